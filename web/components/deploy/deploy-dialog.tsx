"use client";

import { Dialog } from "@/components/ui/dialog";
import type { Schemas } from "@/lib/api";

export interface DeployDialogProps {
  sandbox: Schemas["Sandbox"];
  /** Services chosen beforehand; none to choose in the dialog. */
  services?: string[];
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** DeployDialog deploys branches of services to a sandbox: what, with what, the plan, go. */
export function DeployDialog({ sandbox, open, onOpenChange }: DeployDialogProps) {
  return <Dialog open={open} onOpenChange={onOpenChange} title={`Deploy to ${sandbox.name}`}><p>{sandbox.name}</p></Dialog>;
}
