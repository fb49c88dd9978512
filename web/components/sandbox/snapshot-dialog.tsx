"use client";

import { Dialog } from "@/components/ui/dialog";
import type { Schemas } from "@/lib/api";

export function SnapshotDialog({ sandbox, open, onOpenChange }: { sandbox: Schemas["Sandbox"]; open: boolean; onOpenChange: (open: boolean) => void }) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={`Take snapshot ${sandbox.name}`}>
      <code className="font-mono">{`sdp snapshot create ${sandbox.name} NAME`}</code>
    </Dialog>
  );
}
