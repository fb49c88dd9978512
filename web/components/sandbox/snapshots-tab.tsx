"use client";

import { Camera } from "lucide-react";
import { useState } from "react";
import { SnapshotList } from "@/components/snapshot/snapshot-list";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Empty, Skeleton } from "@/components/ui/empty";
import { ProblemBox } from "@/components/ui/problem";
import { all, api, ok, type Schemas } from "@/lib/api";
import { useResource } from "@/lib/live";
import { SnapshotDialog } from "./snapshot-dialog";

/** SnapshotsTab lists the snapshots of one sandbox, takes one and goes back to one. */
export function SnapshotsTab({ sandbox }: { sandbox: Schemas["Sandbox"]; reload: () => void }) {
  const [taking, setTaking] = useState(false);
  const snapshots = useResource(
    `snapshots/${sandbox.name}`,
    (signal) =>
      all((cursor) =>
        ok(api.GET("/api/v1/snapshots", { params: { query: { sandbox: sandbox.name, cursor, limit: 100 } }, signal })),
      ),
    (e) => e.topic === "audit" && e.id === sandbox.name,
  );
  // A deleted sandbox of the same name left its own behind: those are on the page of all snapshots.
  const own = snapshots.data?.filter((s) => !s.sandboxGone);
  const take = (
    <Button size="small" look="primary" onClick={() => setTaking(true)}>
      <Camera aria-hidden className="size-3.5" /> Take snapshot
    </Button>
  );
  return (
    <>
      <ProblemBox problem={snapshots.problem} className="mb-4" />
      {!own && !snapshots.problem && <Skeleton lines={4} />}
      {own?.length === 0 && (
        <Empty icon={Camera} title={`${sandbox.name} has no snapshot`} action={take}>
          A snapshot freezes commits, images, routes, variables, secrets and limits. Take one before you try something, and come
          back to it whatever happens to branches meanwhile.
        </Empty>
      )}
      {own && own.length > 0 && (
        <Card flush title="Snapshots" actions={take}>
          <SnapshotList snapshots={own} onChanged={() => void snapshots.reload()} />
        </Card>
      )}
      <SnapshotDialog sandbox={sandbox} open={taking} onOpenChange={setTaking} onTaken={() => void snapshots.reload()} />
    </>
  );
}
