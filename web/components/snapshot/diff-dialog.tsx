"use client";

import { CircleCheck } from "lucide-react";
import { DifferenceList } from "@/components/plan/plan-view";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Skeleton } from "@/components/ui/empty";
import { ProblemBox } from "@/components/ui/problem";
import { api, ok, type Schemas } from "@/lib/api";
import { ofSandbox } from "@/lib/concerns";
import { full, plural } from "@/lib/format";
import { useResource } from "@/lib/live";

/** DiffDialog says in what a sandbox differs from its snapshot now. */
export function DiffDialog({
  snapshot,
  onClose,
  onRestore,
}: {
  snapshot: Schemas["Snapshot"];
  onClose: () => void;
  onRestore: () => void;
}) {
  const diff = useResource(
    `diff/${snapshot.id}`,
    (signal) => ok(api.GET("/api/v1/snapshots/{id}/diff", { params: { path: { id: snapshot.id } }, signal })),
    ofSandbox(snapshot.sandbox),
  );
  const list = diff.data?.differences;
  const same = list !== undefined && (list?.length ?? 0) === 0;
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={`${snapshot.sandbox} now, compared with ${snapshot.name}`}
      description={`What has changed since ${full(snapshot.createdAt)}. Of secrets only the names are told.`}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          {!same && (
            <Button look="primary" onClick={onRestore}>
              Restore …
            </Button>
          )}
        </>
      }
    >
      <ProblemBox problem={diff.problem} />
      {!diff.data && !diff.problem && <Skeleton lines={4} />}
      {same && (
        <p className="flex items-center gap-2 rounded-lg bg-ok-soft px-3 py-2 text-ok-text">
          <CircleCheck aria-hidden className="size-4 shrink-0" /> {snapshot.sandbox} is as it was in snapshot {snapshot.name}.
        </p>
      )}
      {list && list.length > 0 && (
        <div className="space-y-3">
          <p className="text-ink-2">{plural(list.length, "difference")}, from then to now:</p>
          <div className="rounded-lg border px-3 py-2.5">
            <DifferenceList items={list} />
          </div>
        </div>
      )}
    </Dialog>
  );
}
