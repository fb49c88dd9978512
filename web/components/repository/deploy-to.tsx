"use client";

import { useState } from "react";
import { DeployDialog } from "@/components/deploy/deploy-dialog";
import { useUser } from "@/components/shell/session";
import { Button, ButtonLink } from "@/components/ui/button";
import { Combobox } from "@/components/ui/combobox";
import { Dialog } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import type { Schemas } from "@/lib/api";
import { hrefs } from "@/lib/routes";
import type { Repository } from "./repository-row";

/** DeployTo asks which sandbox first; the rest is the deploy dialog's. */
export function DeployTo({
  repository,
  branch,
  sandboxes,
  onClose,
}: {
  repository: Repository;
  branch: string;
  sandboxes: Schemas["Sandbox"][];
  onClose: () => void;
}) {
  const user = useUser();
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<Schemas["Sandbox"]>();
  if (chosen)
    return (
      <DeployDialog
        sandbox={chosen}
        services={[repository.name]}
        branch={branch}
        open
        onOpenChange={(open) => !open && onClose()}
      />
    );
  // One's own first: they are what one mostly means.
  const offered = sandboxes
    .filter((s) => s.state !== "DELETED" && !s.deleting)
    .toSorted((a, b) => Number(b.owner === user) - Number(a.owner === user) || a.name.localeCompare(b.name));
  const next = () => setChosen(offered.find((s) => s.name === name));
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Deploy ${repository.name}`}
      description={
        <>
          Branch <span className="font-mono wrap-anywhere">{branch}</span>, to which sandbox?
        </>
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" disabled={!name} onClick={next}>
            Next
          </Button>
        </>
      }
    >
      {offered.length === 0 ? (
        <p>
          There is no sandbox yet.{" "}
          <ButtonLink href={hrefs.overview()} size="small">
            Make one
          </ButtonLink>
        </p>
      ) : (
        <Field label="Sandbox">
          <Combobox
            value={name}
            onChange={setName}
            placeholder="Choose a sandbox"
            choices={offered.map((s) => ({
              value: s.name,
              keywords: [s.owner, s.description ?? ""],
              detail: `of ${s.owner}; ${repository.name} ${s.services.find((v) => v.name === repository.name)?.branch ?? "is not in it from a branch"}`,
            }))}
          />
        </Field>
      )}
    </Dialog>
  );
}
