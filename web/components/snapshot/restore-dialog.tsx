"use client";

import { useRouter } from "next/navigation";
import { useState } from "react";
import { NameField, validName } from "@/components/form/name";
import { PlanView } from "@/components/plan/plan-view";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Skeleton } from "@/components/ui/empty";
import { Checkbox } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { useToast } from "@/components/ui/toast";
import { api, newKey, ok, type Schemas } from "@/lib/api";
import { shortSHA } from "@/lib/format";
import { useAction, useResource } from "@/lib/live";
import { hrefs } from "@/lib/routes";
import { useSettled } from "@/lib/use-settled";

/** RestoreDialog goes back to a snapshot, in its sandbox or in a new one: first the plan, then that and nothing else. */
export function RestoreDialog({ snapshot, onClose }: { snapshot: Schemas["Snapshot"]; onClose: () => void }) {
  const router = useRouter();
  const toast = useToast();
  const [into, setInto] = useState<"same" | "new">(snapshot.sandboxGone ? "new" : "same");
  const [name, setName] = useState("");
  const [atomic, setAtomic] = useState(true);
  const [key, setKey] = useState(newKey);
  const target = into === "new" ? name : snapshot.sandbox;
  const settled = useSettled(target);
  const path = { id: snapshot.id };
  const request = (to: string): Schemas["RestoreSnapshot"] => (into === "new" ? { sandbox: to } : { atomic });
  const valid = (to: string) => into === "same" || validName(to);
  // Looked at before anything is done, and done only as it was looked at.
  const planned = useResource(valid(settled) ? `restore/${snapshot.id}/${into}/${settled}` : null, (signal) =>
    ok(api.POST("/api/v1/snapshots/{id}/plan", { params: { path }, body: request(settled), signal })),
  );
  const plan = settled === target ? planned.data : undefined;
  const restore = useAction(async () => {
    const out = await ok(
      api.POST("/api/v1/snapshots/{id}/restore", {
        params: { path, header: { "Idempotency-Key": key } },
        body: { ...request(target), plan: plan!.hash },
      }),
    );
    if (!out.operation) toast(`${target} is as it was in ${snapshot.name} already.`);
    onClose();
    router.push(out.operation ? hrefs.operation(out.operation.id) : hrefs.sandbox(target));
  });
  const change =
    <T,>(set: (v: T) => void) =>
    (v: T) => {
      set(v);
      setKey(newKey()); // another request
      restore.clear();
    };
  const vanished = (plan?.services ?? []).filter((s) => s.vanished);
  const ready = plan && !plan.problems?.length && (plan.changes || into === "new");
  return (
    <Dialog
      wide
      open
      onOpenChange={onClose}
      title={`Restore ${snapshot.name}`}
      description="Services run their commits of then, with the variables, secrets, limits and the environment's version of then."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            form="restore"
            look={into === "same" ? "danger" : "primary"}
            busy={restore.busy}
            disabled={!ready}
          >
            {into === "same" ? `Restore ${target}` : `Make ${name || "it"}`}
          </Button>
        </>
      }
    >
      <form
        id="restore"
        className="space-y-4"
        onSubmit={(e) => {
          e.preventDefault();
          if (ready) void restore.act();
        }}
      >
        <fieldset className="space-y-2">
          <legend className="mb-1 text-xs font-medium text-ink-2">Where</legend>
          <Way
            checked={into === "same"}
            disabled={snapshot.sandboxGone}
            onChoose={() => change(setInto)("same")}
            label={`Into ${snapshot.sandbox}`}
            hint={
              snapshot.sandboxGone
                ? `${snapshot.sandbox} was deleted since. Its snapshot is still whole: make a new sandbox of it.`
                : "It becomes what it was: services that were added since go, and it stays there until a branch is deployed."
            }
          />
          <Way
            checked={into === "new"}
            onChoose={() => change(setInto)("new")}
            label="Into a new sandbox"
            hint="It is yours, with a port of its own; made all or not at all."
          />
        </fieldset>
        {into === "new" && <NameField label="Name of the new sandbox" value={name} onChange={change(setName)} autoFocus />}
        {into === "same" && (
          <Checkbox
            label="All or nothing"
            hint="If one service fails, everything stays as it is now. Without it, what succeeds stays restored."
            checked={atomic}
            onChange={(e) => change(setAtomic)(e.target.checked)}
          />
        )}
        <ProblemBox problem={planned.problem} />
        {valid(target) && !plan && !planned.problem && <Skeleton lines={5} label="Loading the plan" />}
        {plan && (
          <section aria-label="Plan" className="space-y-4 border-t pt-4">
            {vanished.length > 0 && (
              <p className="rounded-lg bg-warn-soft px-3 py-2 text-warn-text">
                {vanished.map((s) => `${s.service}: its repository does not have commit ${shortSHA(s.sha)} any more.`).join(" ")}{" "}
                The image that was kept runs; it cannot be built again.
              </p>
            )}
            <PlanView plan={plan} />
          </section>
        )}
        <ProblemBox problem={restore.problem} />
        {restore.problem?.code === "plan-stale" && (
          <Button
            size="small"
            onClick={() => {
              change(() => {})(undefined);
              void planned.reload();
            }}
          >
            Plan anew
          </Button>
        )}
      </form>
    </Dialog>
  );
}

function Way({
  checked,
  disabled,
  onChoose,
  label,
  hint,
}: {
  checked: boolean;
  disabled?: boolean;
  onChoose: () => void;
  label: string;
  hint: string;
}) {
  return (
    <label className="flex cursor-pointer items-start gap-2.5 rounded-lg border p-3 has-checked:border-accent has-checked:bg-accent-soft/50 has-disabled:cursor-default has-disabled:opacity-70">
      <input
        type="radio"
        name="into"
        className="mt-0.5 size-4 shrink-0 accent-accent"
        checked={checked}
        disabled={disabled}
        onChange={onChoose}
      />
      <span className="min-w-0">
        <span className="block font-medium">{label}</span>
        <span className="block text-xs text-ink-2">{hint}</span>
      </span>
    </label>
  );
}
