"use client";

import { CircleCheck } from "lucide-react";
import { useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Skeleton } from "@/components/ui/empty";
import { ProblemBox } from "@/components/ui/problem";
import { api, asProblem, newKey, ok, type Problem, type Schemas } from "@/lib/api";
import { bytes, plural } from "@/lib/format";
import { shortID } from "./image-list";
import type { Image } from "./words";

type Report = Schemas["PruneReport"];

function prune(node: string, dryRun: boolean) {
  return ok(
    api.POST("/api/v1/nodes/{node}/images/prune", {
      params: { path: { node }, header: { "Idempotency-Key": newKey() } },
      body: { dryRun },
    }),
  );
}

/** PruneDialog first asks the node what a prune would remove, shows it, and prunes only when that was seen. */
export function PruneDialog({ node, onClose, onPruned }: { node: string; onClose: () => void; onPruned: () => void }) {
  const [preview, setPreview] = useState<Report>();
  const [report, setReport] = useState<Report>();
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    let gone = false;
    prune(node, true).then(
      (r) => !gone && setPreview(r),
      (e) => !gone && setProblem(asProblem(e)),
    );
    return () => void (gone = true);
  }, [node]);
  const run = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      setReport(await prune(node, false));
      onPruned();
    } catch (e) {
      setProblem(asProblem(e));
    } finally {
      setBusy(false);
    }
  };
  const nothing = preview?.removed.length === 0;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      wide
      title={`Prune images of ${node}`}
      description={
        report
          ? undefined
          : "Removes the images SDP made there that nothing needs. One that is needed again later is built again."
      }
      footer={
        report || nothing ? (
          <Button look="primary" onClick={onClose}>
            Close
          </Button>
        ) : (
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button look="danger" busy={busy} disabled={!preview} onClick={() => void run()}>
              {preview ? `Remove ${plural(preview.removed.length, "image")}` : "Remove"}
            </Button>
          </>
        )
      }
    >
      <div className="space-y-4">
        {!preview && !problem && (
          <>
            <p className="text-ink-2">Asking {node} what would go ...</p>
            <Skeleton lines={4} />
          </>
        )}
        {report ? <Done report={report} /> : preview && <Preview report={preview} />}
        <ProblemBox problem={problem} />
      </div>
    </Dialog>
  );
}

function Preview({ report: r }: { report: Report }) {
  if (r.removed.length === 0)
    return (
      <p>
        Nothing would go:{" "}
        {r.kept.length > 0
          ? `something needs each of the ${plural(r.kept.length, "image")} this installation made or uses there.`
          : "this installation neither made nor uses an image there."}
      </p>
    );
  return (
    <>
      <p>
        Would remove <b>{plural(r.removed.length, "image")}</b> and free <b>{bytes(r.freed)}</b>. {bytes(r.diskFree)} of{" "}
        {bytes(r.diskTotal)} are free now.{" "}
        {r.kept.length > 0 && `${plural(r.kept.length, "image")} stay, because something needs them.`}
      </p>
      <Names images={r.removed} label="Would be removed" />
    </>
  );
}

function Done({ report: r }: { report: Report }) {
  return (
    <>
      <p role="status" className="flex gap-2 rounded-lg bg-ok-soft px-3 py-2 text-ok-text">
        <CircleCheck aria-hidden className="mt-0.5 size-4 shrink-0" />
        Removed {plural(r.removed.length, "image")} and freed {bytes(r.freed)}. {bytes(r.diskFree)} of {bytes(r.diskTotal)} are
        free now.
      </p>
      {r.removed.length > 0 && <Names images={r.removed} label="Removed" />}
      {r.kept.length > 0 && (
        <details>
          <summary className="text-ink-2">{plural(r.kept.length, "image")} stayed</summary>
          <div className="mt-2">
            <Names images={r.kept} label="Stayed" />
          </div>
        </details>
      )}
    </>
  );
}

function Names({ images, label }: { images: Image[]; label: string }) {
  return (
    <ul aria-label={label} tabIndex={0} className="max-h-64 divide-y overflow-y-auto rounded-lg border">
      {images.map((i) => (
        <li key={i.id + (i.name ?? "")} className="px-3 py-1.5">
          <p className="flex justify-between gap-3">
            <span className="font-mono text-xs wrap-anywhere">{i.name ?? `no name: ${shortID(i.id)}`}</span>
            <span className="text-xs whitespace-nowrap text-ink-3 tabular-nums">{bytes(i.size)}</span>
          </p>
          {i.neededBy.length > 0 && <p className="text-xs break-words text-ink-3">needed by {i.neededBy.join(", ")}</p>}
        </li>
      ))}
    </ul>
  );
}
