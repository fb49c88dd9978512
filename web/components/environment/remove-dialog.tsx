"use client";

import { ChangeDialog } from "./change-dialog";
import type { Environment } from "./use-environment";

interface Props {
  environment: Environment;
  what: "variable" | "secret" | "file";
  name: string;
  onSaved: (now: Environment) => void;
  onClose: () => void;
}

/** RemoveDialog takes one entry out of an environment. */
export function RemoveDialog({ environment, what, name, onSaved, onClose }: Props) {
  return (
    <ChangeDialog
      environment={environment}
      title={`Remove ${what}`}
      verb={`Remove ${what}`}
      danger
      onSaved={onSaved}
      onClose={onClose}
      change={() => (what === "file" ? { removeFiles: [name] } : { unset: [name] })}
    >
      <p>
        Removes <b className="font-mono text-xs wrap-anywhere">{name}</b> from {environment.name}. What runs keeps it until it is
        deployed or restarted.
        {what !== "variable" && " Nobody can read it back: to have it again, somebody must know what it was."}
      </p>
    </ChangeDialog>
  );
}
