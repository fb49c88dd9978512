"use client";

import { Camera, ChevronRight, GitCompare, History, Trash2 } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { Ago } from "@/components/ui/facts";
import { useToast } from "@/components/ui/toast";
import { api, newKey, ok, type Schemas } from "@/lib/api";
import { cn } from "@/lib/cn";
import { plural } from "@/lib/format";
import { hrefs } from "@/lib/routes";
import { DiffDialog } from "./diff-dialog";
import { RestoreDialog } from "./restore-dialog";
import { SnapshotDetail } from "./snapshot-detail";

type Snapshot = Schemas["Snapshot"];

interface Doing {
  what: "diff" | "restore" | "delete";
  snapshot: Snapshot;
}

/** SnapshotList shows snapshots, newest first, and all that can be done with one. */
export function SnapshotList({
  snapshots,
  showSandbox,
  onChanged,
}: {
  snapshots: Snapshot[];
  showSandbox?: boolean;
  onChanged: () => void;
}) {
  const toast = useToast();
  const [doing, setDoing] = useState<Doing>();
  const done = () => setDoing(undefined);
  return (
    <>
      <ul className="divide-y">
        {snapshots.map((s) => (
          <Row key={s.id} snapshot={s} showSandbox={showSandbox} onDo={(what) => setDoing({ what, snapshot: s })} />
        ))}
      </ul>
      {doing?.what === "diff" && (
        <DiffDialog
          snapshot={doing.snapshot}
          onClose={done}
          onRestore={() => setDoing({ what: "restore", snapshot: doing.snapshot })}
        />
      )}
      {doing?.what === "restore" && <RestoreDialog snapshot={doing.snapshot} onClose={done} />}
      <Confirm
        open={doing?.what === "delete"}
        onOpenChange={done}
        danger
        title={`Delete snapshot ${doing?.snapshot.name}?`}
        verb="Delete snapshot"
        typeName={doing?.snapshot.name}
        run={async () => {
          await ok(
            api.DELETE("/api/v1/snapshots/{id}", {
              params: { path: { id: doing!.snapshot.id }, header: { "Idempotency-Key": newKey() } },
            }),
          );
          toast(`Snapshot ${doing!.snapshot.name} is deleted.`);
          onChanged();
        }}
      >
        <p>
          What goes: the way back to how {doing?.snapshot.sandbox} was, with the secrets of then. Its{" "}
          {plural(doing?.snapshot.images?.length ?? 0, "image")} may then be cleaned away.
        </p>
        <p>What stays: the sandbox and all that runs. It cannot be undone.</p>
      </Confirm>
    </>
  );
}

function Row({
  snapshot: s,
  showSandbox,
  onDo,
}: {
  snapshot: Snapshot;
  showSandbox?: boolean;
  onDo: (what: Doing["what"]) => void;
}) {
  const [open, setOpen] = useState(false);
  return (
    <li className="px-4 py-3">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <Camera aria-hidden className="mt-0.5 hidden size-4 shrink-0 text-ink-3 sm:block" />
        <div className="min-w-0 flex-1 basis-64">
          <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
            <span className="font-medium wrap-anywhere">{s.name}</span>
            {showSandbox &&
              (s.sandboxGone ? (
                <span className="inline-flex items-center gap-1.5 text-ink-2">
                  of {s.sandbox}{" "}
                  <Badge tone="warn" title="The sandbox was deleted since; restore it into a new one.">
                    deleted
                  </Badge>
                </span>
              ) : (
                <span className="text-ink-2">
                  of{" "}
                  <Link className="text-accent-text underline-offset-2 hover:underline" href={hrefs.sandbox(s.sandbox)}>
                    {s.sandbox}
                  </Link>
                </span>
              ))}
          </p>
          {s.description && <p className="break-words text-ink-2">{s.description}</p>}
          <p className="mt-0.5 text-xs text-ink-3">
            <Ago at={s.createdAt} /> by {s.author} · {plural(s.images?.length ?? 0, "service")} kept ·{" "}
            <span className="font-mono">{s.id}</span>
          </p>
        </div>
        <div className="flex flex-wrap items-center gap-1.5">
          <Button
            size="small"
            look="quiet"
            aria-expanded={open}
            aria-label={`Contents of ${s.name}`}
            onClick={() => setOpen(!open)}
          >
            <ChevronRight aria-hidden className={cn("size-3.5 transition-transform", open && "rotate-90")} /> Contents
          </Button>
          <Button
            size="small"
            disabled={s.sandboxGone}
            title={s.sandboxGone ? "There is no sandbox to compare it with" : undefined}
            aria-label={`Compare ${s.name} with now`}
            onClick={() => onDo("diff")}
          >
            <GitCompare aria-hidden className="size-3.5" /> Compare
          </Button>
          <Button size="small" aria-label={`Restore ${s.name}`} onClick={() => onDo("restore")}>
            <History aria-hidden className="size-3.5" /> Restore
          </Button>
          <Button size="icon" look="quiet" className="size-7" aria-label={`Delete ${s.name}`} onClick={() => onDo("delete")}>
            <Trash2 aria-hidden className="size-3.5" />
          </Button>
        </div>
      </div>
      {open && <SnapshotDetail snapshot={s} />}
    </li>
  );
}
