"use client";

import { KeyRound, Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Confirm, Dialog } from "@/components/ui/dialog";
import { Field, Input, Textarea } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { useToast } from "@/components/ui/toast";
import { api, newKey, ok, type Schemas } from "@/lib/api";
import { useAction } from "@/lib/live";

type Sandbox = Schemas["Sandbox"];

interface Entry {
  key: string;
  secret: boolean;
  value?: string;
}

async function patch(sandbox: string, body: Schemas["UpdateSandbox"]) {
  await ok(
    api.PATCH("/api/v1/sandboxes/{name}", { params: { path: { name: sandbox }, header: { "Idempotency-Key": newKey() } }, body }),
  );
}

/** OwnVariables shows the sandbox's own variables and secrets, which all its services get, and changes them. */
export function OwnVariables({ sandbox, onChanged }: { sandbox: Sandbox; onChanged: () => void }) {
  const toast = useToast();
  const [edited, setEdited] = useState<Entry>();
  const [removed, setRemoved] = useState<Entry>();
  const entries: Entry[] = [
    ...Object.entries(sandbox.variables ?? {}).map(([key, value]) => ({ key, value, secret: false })),
    ...(sandbox.secretKeys ?? []).map((key) => ({ key, secret: true })),
  ].sort((a, b) => a.key.localeCompare(b.key));
  return (
    <Card
      flush
      title="The sandbox's own variables and secrets"
      actions={
        <>
          <Button size="small" onClick={() => setEdited({ key: "", secret: false, value: "" })}>
            <Plus aria-hidden className="size-3.5" /> Add variable
          </Button>
          <Button size="small" onClick={() => setEdited({ key: "", secret: true })}>
            <KeyRound aria-hidden className="size-3.5" /> Add secret
          </Button>
        </>
      }
    >
      {entries.length === 0 && (
        <p className="p-4 text-ink-2">
          None yet. What you add here reaches every service of {sandbox.name} and wins over its environment.
        </p>
      )}
      <ul className="divide-y">
        {entries.map((e) => (
          <li key={e.key} className="flex items-center gap-3 px-4 py-1.5">
            <div className="min-w-0 flex-1 sm:flex sm:gap-4">
              <p className="font-mono text-xs font-medium wrap-anywhere sm:w-2/5">{e.key}</p>
              {e.secret ? (
                <Masked />
              ) : (
                <p className="font-mono text-xs wrap-anywhere text-ink-2 sm:flex-1">
                  {e.value || <span className="text-ink-3">(empty)</span>}
                </p>
              )}
            </div>
            <Button
              look="quiet"
              size="icon"
              className="size-8"
              aria-label={`${e.secret ? "Replace" : "Change"} ${e.key}`}
              onClick={() => setEdited(e)}
            >
              <Pencil aria-hidden className="size-3.5" />
            </Button>
            <Button look="quiet" size="icon" className="size-8" aria-label={`Remove ${e.key}`} onClick={() => setRemoved(e)}>
              <Trash2 aria-hidden className="size-3.5" />
            </Button>
          </li>
        ))}
      </ul>
      {edited && (
        <EditEntry sandbox={sandbox} entry={edited} known={entries} onClose={() => setEdited(undefined)} onChanged={onChanged} />
      )}
      <Confirm
        open={removed !== undefined}
        onOpenChange={() => setRemoved(undefined)}
        title={`Remove ${removed?.key}?`}
        verb={`Remove ${removed?.secret ? "secret" : "variable"}`}
        danger
        run={async () => {
          await patch(sandbox.name, { unset: [removed!.key] });
          toast(`${removed!.key} is removed.`);
          onChanged();
        }}
      >
        <p>
          Services started or restarted from now on do not get it from the sandbox; if a lower layer has {removed?.key}, that one
          shows again. What runs keeps it.
        </p>
        {removed?.secret && <p>Its value cannot be read back.</p>}
      </Confirm>
    </Card>
  );
}

/** Masked stands for a secret's value, which never reaches the browser. */
export function Masked() {
  return (
    <p className="flex items-center gap-1.5 text-xs text-ink-3">
      <KeyRound aria-hidden className="size-3.5" />{" "}
      <span aria-hidden className="tracking-widest">
        ••••••
      </span>{" "}
      <span>secret</span>
    </p>
  );
}

function EditEntry({
  sandbox,
  entry,
  known,
  onClose,
  onChanged,
}: {
  sandbox: Sandbox;
  entry: Entry;
  known: Entry[];
  onClose: () => void;
  onChanged: () => void;
}) {
  const toast = useToast();
  const [key, setKey] = useState(entry.key);
  const [value, setValue] = useState(entry.value ?? "");
  const isNew = entry.key === "";
  const other = isNew ? known.find((e) => e.key === key.trim()) : undefined;
  const save = useAction(async () => {
    const values = { [key.trim()]: value };
    await patch(sandbox.name, entry.secret ? { secrets: values } : { variables: values });
    toast(`${key.trim()} is ${isNew && !other ? "added" : "changed"}.`);
    onChanged();
    onClose();
  });
  const noun = entry.secret ? "secret" : "variable";
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={isNew ? `Add ${noun}` : `${entry.secret ? "Replace" : "Change"} ${entry.key}`}
      description={
        entry.secret
          ? "Encrypted before it is stored, masked in logs. Nobody, you included, can read it again."
          : "Everybody who is signed in can read it. Use a secret for what they should not."
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            form="edit-entry"
            look="primary"
            busy={save.busy}
            disabled={!key.trim() || (entry.secret && !value)}
          >
            Save
          </Button>
        </>
      }
    >
      <form
        id="edit-entry"
        autoComplete="off"
        className="space-y-4"
        onSubmit={(e) => {
          e.preventDefault();
          void save.act();
        }}
      >
        <Field
          label="Name"
          hint={
            other && !other.secret === !entry.secret ? `${other.key} is there already; saving replaces its value.` : undefined
          }
          error={
            other && other.secret !== entry.secret
              ? `${other.key} is a ${other.secret ? "secret" : "variable"} already. Remove it first.`
              : undefined
          }
        >
          <Input
            className="font-mono"
            value={key}
            disabled={!isNew}
            spellCheck={false}
            autoCapitalize="none"
            onChange={(e) => setKey(e.target.value)}
            autoFocus={isNew}
          />
        </Field>
        <Field label="Value">
          {entry.secret ? (
            <Input
              type="password"
              className="font-mono"
              autoComplete="new-password"
              value={value}
              onChange={(e) => setValue(e.target.value)}
              autoFocus={!isNew}
            />
          ) : (
            <Textarea className="min-h-20" value={value} onChange={(e) => setValue(e.target.value)} autoFocus={!isNew} />
          )}
        </Field>
        <ProblemBox problem={save.problem} />
      </form>
    </Dialog>
  );
}
