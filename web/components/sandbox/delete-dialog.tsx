"use client";

import { Dialog } from "@/components/ui/dialog";
import type { Schemas } from "@/lib/api";

export function DeleteDialog({ sandbox, open, onOpenChange }: { sandbox: Schemas["Sandbox"]; open: boolean; onOpenChange: (open: boolean) => void }) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={`Delete ${sandbox.name}`}>
      <code className="font-mono">{`sdp sandbox delete ${sandbox.name}`}</code>
    </Dialog>
  );
}
