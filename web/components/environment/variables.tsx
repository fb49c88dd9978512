"use client";

import { Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { Pairs, valuesOf, type Pair } from "@/components/form/pairs";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { CopyButton } from "@/components/ui/copy";
import { Field, Input, Textarea } from "@/components/ui/field";
import { envKey } from "@/lib/dotenv";
import { ChangeDialog } from "./change-dialog";
import { RemoveDialog } from "./remove-dialog";
import type { Environment } from "./use-environment";

export interface PartProps {
  environment: Environment;
  /** What the page's search asks for; everything is shown for "". */
  search: string;
  /** False for an old version. */
  editable: boolean;
  onSaved: (now: Environment) => void;
}

/** Variables shows the variables of an environment and changes them. */
export function Variables({ environment, search, editable, onSaved }: PartProps) {
  const [adding, setAdding] = useState(false);
  const [editing, setEditing] = useState<string>();
  const [removing, setRemoving] = useState<string>();
  const total = Object.keys(environment.variables).length;
  const shown = Object.entries(environment.variables)
    .filter(([k, v]) => matches(search, k, v))
    .sort(([a], [b]) => a.localeCompare(b));
  return (
    <Card
      flush
      title={
        <>
          Variables <span className="font-normal text-ink-3">{count(shown.length, total)}</span>
        </>
      }
      actions={
        editable && (
          <Button size="small" onClick={() => setAdding(true)}>
            <Plus aria-hidden className="size-3.5" /> Add variable
          </Button>
        )
      }
    >
      {shown.length === 0 && (
        <p className="px-4 py-4 text-ink-3">
          {total > 0
            ? "No variable matches."
            : "None. Everybody who is signed in can read a variable; what nobody should read is a secret."}
        </p>
      )}
      <ul className="divide-y">
        {shown.map(([key, value]) => (
          <li
            key={key}
            className="group grid grid-cols-[minmax(0,1fr)_auto] items-start gap-x-3 px-4 py-1.5 md:grid-cols-[minmax(10rem,18rem)_minmax(0,1fr)_auto]"
          >
            <span className="py-1.5 font-mono text-xs font-medium wrap-anywhere">{key}</span>
            <span className="order-3 col-span-2 pb-1.5 font-mono text-xs wrap-anywhere whitespace-pre-wrap text-ink-2 md:order-none md:col-span-1 md:pt-1.5">
              {value === "" ? <i className="text-ink-3">empty</i> : <Long text={value} />}
            </span>
            <span className="flex">
              <CopyButton text={value} label={`Copy the value of ${key}`} />
              {editable && (
                <Button look="quiet" size="icon" className="size-7" aria-label={`Edit ${key}`} onClick={() => setEditing(key)}>
                  <Pencil aria-hidden className="size-3.5" />
                </Button>
              )}
              {editable && (
                <Button look="quiet" size="icon" className="size-7" aria-label={`Remove ${key}`} onClick={() => setRemoving(key)}>
                  <Trash2 aria-hidden className="size-3.5" />
                </Button>
              )}
            </span>
          </li>
        ))}
      </ul>
      {adding && <AddVariables environment={environment} onSaved={onSaved} onClose={() => setAdding(false)} />}
      {editing !== undefined && (
        <EditVariable environment={environment} name={editing} onSaved={onSaved} onClose={() => setEditing(undefined)} />
      )}
      {removing !== undefined && (
        <RemoveDialog
          environment={environment}
          what="variable"
          name={removing}
          onSaved={onSaved}
          onClose={() => setRemoving(undefined)}
        />
      )}
    </Card>
  );
}

const long = 400; // characters of a value shown before one asks for the rest

function Long({ text }: { text: string }) {
  const [open, setOpen] = useState(false);
  if (text.length <= long) return text;
  return (
    <>
      {open ? text : text.slice(0, long) + " ..."}{" "}
      <button type="button" className="font-sans text-accent-text underline" onClick={() => setOpen(!open)}>
        {open ? "Less" : `All ${text.length} characters`}
      </button>
    </>
  );
}

export function matches(search: string, ...texts: string[]) {
  return texts.some((t) => t.toLowerCase().includes(search.toLowerCase()));
}

export function count(shown: number, total: number) {
  return shown === total ? total : `${shown} of ${total}`;
}

interface DialogProps {
  environment: Environment;
  onSaved: (now: Environment) => void;
  onClose: () => void;
}

function AddVariables({ environment, onSaved, onClose }: DialogProps) {
  const [pairs, setPairs] = useState<Pair[]>([{ key: "", value: "" }]);
  const error = (key: string) => {
    const k = key.trim();
    if (!k) return undefined;
    if (!envKey.test(k)) return "Letters, digits and underscores, not starting with a digit";
    if (environment.secretKeys.includes(k)) return "This is a secret of the environment; remove it first, to make it readable";
    if (pairs.filter((p) => p.key.trim() === k).length > 1) return "This name is here twice";
    return undefined;
  };
  const values = valuesOf(pairs);
  const replaced = Object.keys(values).filter((k) => k in environment.variables);
  return (
    <ChangeDialog
      environment={environment}
      title="Add variables"
      description="Everybody who is signed in can read them."
      wide
      onSaved={onSaved}
      onClose={onClose}
      ready={Object.keys(values).length > 0 && !pairs.some((p) => error(p.key))}
      change={() => ({ variables: values })}
    >
      <Pairs pairs={pairs} onChange={setPairs} noun="variable" error={error} />
      {replaced.length > 0 && (
        <p className="rounded-md bg-warn-soft px-3 py-2 text-warn-text">
          Replaces the value of <b className="font-mono text-xs wrap-anywhere">{replaced.join(", ")}</b>.
        </p>
      )}
    </ChangeDialog>
  );
}

function EditVariable({ environment, name, onSaved, onClose }: DialogProps & { name: string }) {
  const before = environment.variables[name] ?? "";
  const [value, setValue] = useState(before);
  const [lines, setLines] = useState(before.includes("\n") || before.length > 80);
  return (
    <ChangeDialog
      environment={environment}
      title={
        <>
          Edit <span className="font-mono">{name}</span>
        </>
      }
      onSaved={onSaved}
      onClose={onClose}
      ready={value !== before}
      change={() => ({ variables: { [name]: value } })}
    >
      <Field label="Value">
        {lines ? (
          <Textarea value={value} onChange={(e) => setValue(e.target.value)} rows={6} />
        ) : (
          <Input
            className="font-mono text-xs"
            value={value}
            onChange={(e) => setValue(e.target.value)}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
          />
        )}
      </Field>
      {!lines && (
        <Button size="small" look="quiet" onClick={() => setLines(true)}>
          Several lines
        </Button>
      )}
    </ChangeDialog>
  );
}
