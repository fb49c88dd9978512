"use client";

import { useState, type ReactNode } from "react";
import { LimitsFields, limitsOf, limitsText, limitsWrong } from "@/components/form/limits";
import { Pairs, pairsOf, valuesOf } from "@/components/form/pairs";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field, Input } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { useToast } from "@/components/ui/toast";
import { api, newKey, ok, type Schemas } from "@/lib/api";
import { useAction } from "@/lib/live";

interface EditProps {
  sandbox: Schemas["Sandbox"];
  onClose: () => void;
  onChanged: (out: Schemas["UpdatedSandbox"]) => void;
}

function useSave({ sandbox, onClose, onChanged }: EditProps, said: string) {
  const toast = useToast();
  return useAction(async (body: Schemas["UpdateSandbox"]) => {
    const out = await ok(
      api.PATCH("/api/v1/sandboxes/{name}", {
        params: { path: { name: sandbox.name }, header: { "Idempotency-Key": newKey() } },
        body,
      }),
    );
    toast(said);
    onChanged(out);
    onClose();
  });
}

interface SettingsDialogProps {
  title: string;
  description: string;
  save: ReturnType<typeof useSave>;
  wrong?: boolean;
  body: () => Schemas["UpdateSandbox"];
  onClose: () => void;
  children: ReactNode;
}

function SettingsDialog({ title, description, save, wrong, body, onClose, children }: SettingsDialogProps) {
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={title}
      description={description}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="settings" look="primary" busy={save.busy} disabled={wrong}>
            Save
          </Button>
        </>
      }
    >
      <form
        id="settings"
        className="space-y-4"
        onSubmit={(e) => {
          e.preventDefault();
          if (!wrong) void save.act(body());
        }}
      >
        {children}
        <ProblemBox problem={save.problem} />
      </form>
    </Dialog>
  );
}

export function EditDescription(props: EditProps) {
  const { sandbox } = props;
  const [description, setDescription] = useState(sandbox.description ?? "");
  const [labels, setLabels] = useState(pairsOf(sandbox.labels));
  const save = useSave(props, "The description is saved.");
  const body = () => {
    const next = valuesOf(labels);
    return { description, labels: next, unsetLabels: Object.keys(sandbox.labels ?? {}).filter((k) => !(k in next)) };
  };
  return (
    <SettingsDialog
      title="Description and labels"
      description="For people and for finding it again; nothing that runs changes."
      save={save}
      body={body}
      onClose={props.onClose}
    >
      <Field label="Description" hint="One line: what is tested here, and for whom.">
        <Input value={description} maxLength={500} onChange={(e) => setDescription(e.target.value)} autoFocus />
      </Field>
      <fieldset className="space-y-2">
        <legend className="text-xs font-medium text-ink-2">Labels</legend>
        <Pairs noun="label" pairs={labels} onChange={setLabels} />
      </fieldset>
    </SettingsDialog>
  );
}

export function EditLimits(props: EditProps) {
  const [container, setContainer] = useState(limitsText(props.sandbox.limits?.container));
  const [total, setTotal] = useState(limitsText(props.sandbox.limits?.total));
  const save = useSave(props, "The limits are saved; containers get them when they start anew.");
  const wrong = [container, total].some((t) => Object.keys(limitsWrong(t)).length > 0);
  return (
    <SettingsDialog
      title="Limits"
      description="A container that uses more memory is ended; one that wants more CPU waits. Empty means no limit."
      save={save}
      wrong={wrong}
      body={() => ({ limits: { container: limitsOf(container), total: limitsOf(total) } })}
      onClose={props.onClose}
    >
      <LimitsFields of="Each container" value={container} onChange={setContainer} />
      <LimitsFields of="All containers together" value={total} onChange={setTotal} />
      <p className="text-xs text-ink-3">
        A service&apos;s own limits win over those of each container. A total needs every container to have a limit of that kind.
        What runs keeps its limits until it is restarted.
      </p>
    </SettingsDialog>
  );
}
