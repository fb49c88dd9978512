"use client";

import Link from "next/link";
import { useState } from "react";
import { NameField, validName } from "@/components/form/name";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field, Input } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { useToast } from "@/components/ui/toast";
import { api, newKey, ok, type Schemas } from "@/lib/api";
import { plural } from "@/lib/format";
import { useAction } from "@/lib/live";
import { hrefs } from "@/lib/routes";

interface SnapshotDialogProps {
  sandbox: Schemas["Sandbox"];
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onTaken?: () => void;
}

/** SnapshotDialog freezes a sandbox as it is now. */
export function SnapshotDialog(props: SnapshotDialogProps) {
  return props.open ? <OpenSnapshotDialog {...props} /> : null;
}

function OpenSnapshotDialog({ sandbox, onOpenChange, onTaken }: SnapshotDialogProps) {
  const toast = useToast();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const running = (sandbox.services ?? []).filter((s) => s.serving);
  const take = useAction(async () => {
    const made = await ok(
      api.POST("/api/v1/sandboxes/{name}/snapshots", {
        params: { path: { name: sandbox.name }, header: { "Idempotency-Key": newKey() } },
        body: { name, description: description || undefined },
      }),
    );
    toast(
      <>
        Snapshot {made.name} is taken, with {plural(made.images?.length ?? 0, "image")} kept for it.{" "}
        <Link className="text-accent-text underline" href={hrefs.snapshots(sandbox.name)}>
          All of {sandbox.name}
        </Link>
      </>,
    );
    onTaken?.();
    onOpenChange(false);
  });
  return (
    <Dialog
      open
      onOpenChange={onOpenChange}
      title={`Take a snapshot of ${sandbox.name}`}
      description="Nothing stops: it is written down how the sandbox is at this moment."
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button type="submit" form="take-snapshot" look="primary" busy={take.busy} disabled={!validName(name, 40)}>
            Take snapshot
          </Button>
        </>
      }
    >
      <form
        id="take-snapshot"
        className="space-y-4"
        onSubmit={(e) => {
          e.preventDefault();
          if (validName(name, 40)) void take.act();
        }}
      >
        <NameField
          label="Name"
          max={40}
          hint="Such as before-release; unique within the sandbox."
          value={name}
          onChange={setName}
          autoFocus
        />
        <Field label="Description" hint="What it is for, or what was tested.">
          <Input value={description} maxLength={500} onChange={(e) => setDescription(e.target.value)} />
        </Field>
        <p className="text-xs text-ink-2">
          It holds{" "}
          {running.length > 0 ? (
            <>the commits and images of {running.map((s) => s.name).join(", ")}</>
          ) : (
            "no commit, because nothing runs"
          )}
          , routes, variables, secrets, limits, and the version of the environment. Its images are kept while it exists, and it
          outlives the sandbox.
        </p>
        <ProblemBox problem={take.problem} />
      </form>
    </Dialog>
  );
}
