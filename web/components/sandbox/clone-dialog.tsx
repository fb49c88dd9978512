"use client";

import { useRouter } from "next/navigation";
import { useDeferredValue, useState } from "react";
import { NameField, validName } from "@/components/form/name";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Skeleton } from "@/components/ui/empty";
import { ProblemBox } from "@/components/ui/problem";
import { api, newKey, ok, type Schemas } from "@/lib/api";
import { useAction, useResource } from "@/lib/live";
import { hrefs } from "@/lib/routes";
import { useSettled } from "@/lib/use-settled";
import { Contract } from "./contract";

interface CloneDialogProps {
  sandbox: Schemas["Sandbox"];
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** CloneDialog makes a sandbox like another one; before it does, the contract says what becomes of each part. */
export function CloneDialog(props: CloneDialogProps) {
  return props.open ? <OpenCloneDialog {...props} /> : null;
}

function OpenCloneDialog({ sandbox, onOpenChange }: CloneDialogProps) {
  const router = useRouter();
  const [name, setName] = useState(() => `${sandbox.name.slice(0, 25)}-copy`);
  const [follow, setFollow] = useState(false);
  const to = useSettled(name);
  const valid = validName(name);
  const contract = useResource(validName(to) ? `clone/${sandbox.name}/${to}/${follow}` : null, (signal) =>
    ok(api.GET("/api/v1/sandboxes/{name}/clone", { params: { path: { name: sandbox.name }, query: { to, follow } }, signal })),
  );
  // The last contract stays while the next one is read: the dialog does not jump with every key.
  const [last, setLast] = useState<Schemas["CloneContract"]>();
  if (contract.data && contract.data !== last) setLast(contract.data);
  const shown = useDeferredValue(contract.problem ? undefined : (contract.data ?? last));
  const clone = useAction(async () => {
    const out = await ok(
      api.POST("/api/v1/sandboxes/{name}/clone", {
        params: { path: { name: sandbox.name }, header: { "Idempotency-Key": newKey() } },
        body: { name, follow },
      }),
    );
    onOpenChange(false);
    router.push(out.operation ? hrefs.operation(out.operation.id) : hrefs.sandbox(name));
  });
  return (
    <Dialog
      wide
      open
      onOpenChange={onOpenChange}
      title={`Clone ${sandbox.name}`}
      description="A sandbox of your own like this one, with its own containers, port and network. All of it, or nothing."
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button type="submit" form="clone" look="primary" busy={clone.busy} disabled={!valid || to !== name || !contract.data}>
            Clone
          </Button>
        </>
      }
    >
      <form
        id="clone"
        className="space-y-4"
        onSubmit={(e) => {
          e.preventDefault();
          if (valid && contract.data) void clone.act();
        }}
      >
        <NameField label="Name of the clone" value={name} onChange={setName} autoFocus />
        <fieldset className="grid gap-2 sm:grid-cols-2">
          <legend className="mb-1 text-xs font-medium text-ink-2">Which commits</legend>
          <Way
            checked={!follow}
            onChoose={() => setFollow(false)}
            label="The same commits"
            hint="It stays where the original is now, also when branches move. Images are there already."
          />
          <Way
            checked={follow}
            onChoose={() => setFollow(true)}
            label="Follow the branches"
            hint="The newest commits of the same branches; what is tracked stays tracked, with your git credentials."
          />
        </fieldset>
        <ProblemBox problem={clone.problem} />
        <ProblemBox problem={contract.problem} />
        {!shown && !contract.problem && valid && <Skeleton lines={6} label="Loading the contract" />}
        {shown && <Contract contract={shown} />}
      </form>
    </Dialog>
  );
}

function Way({ checked, onChoose, label, hint }: { checked: boolean; onChoose: () => void; label: string; hint: string }) {
  return (
    <label className="flex cursor-pointer items-start gap-2.5 rounded-lg border p-3 has-checked:border-accent has-checked:bg-accent-soft/50">
      <input type="radio" name="follow" className="mt-0.5 size-4 shrink-0 accent-accent" checked={checked} onChange={onChoose} />
      <span className="min-w-0">
        <span className="block font-medium">{label}</span>
        <span className="block text-xs text-ink-2">{hint}</span>
      </span>
    </label>
  );
}
