"use client";

import { Dialog } from "@/components/ui/dialog";
import type { Schemas } from "@/lib/api";

export function CloneDialog({ sandbox, open, onOpenChange }: { sandbox: Schemas["Sandbox"]; open: boolean; onOpenChange: (open: boolean) => void }) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={`Clone ${sandbox.name}`}>
      <code className="font-mono">{`sdp sandbox clone ${sandbox.name} NEW`}</code>
    </Dialog>
  );
}
