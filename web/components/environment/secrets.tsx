"use client";

import { KeyRound, Plus, RefreshCw, Trash2, X } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Field, Input, Textarea } from "@/components/ui/field";
import { envKey } from "@/lib/dotenv";
import { ChangeDialog } from "./change-dialog";
import { RemoveDialog } from "./remove-dialog";
import type { Environment } from "./use-environment";
import { count, matches, type PartProps } from "./variables";

/** Secrets shows the names of an environment's secrets. Their values go to the server and never come back. */
export function Secrets({ environment, search, editable, onSaved }: PartProps) {
  const [setting, setSetting] = useState<string>();
  const [removing, setRemoving] = useState<string>();
  const keys = environment.secretKeys.filter((k) => matches(search, k));
  return (
    <Card
      flush
      title={
        <>
          Secrets <span className="font-normal text-ink-3">{count(keys.length, environment.secretKeys.length)}</span>
        </>
      }
      actions={
        editable && (
          <Button size="small" onClick={() => setSetting("")}>
            <Plus aria-hidden className="size-3.5" /> Add secret
          </Button>
        )
      }
    >
      {keys.length === 0 && (
        <p className="px-4 py-4 text-ink-3">
          {environment.secretKeys.length > 0
            ? "No secret matches."
            : "None. Passwords and tokens belong here: encrypted, masked in logs, and never shown again to anybody."}
        </p>
      )}
      <ul className="divide-y">
        {keys.map((key) => (
          <li key={key} className="flex items-center gap-3 px-4 py-1.5">
            <KeyRound aria-hidden className="size-3.5 shrink-0 text-ink-3" />
            <span className="min-w-0 flex-1 font-mono text-xs font-medium wrap-anywhere">{key}</span>
            <span className="hidden text-xs text-ink-3 sm:inline">set, never shown</span>
            {editable && (
              <span className="flex">
                <Button
                  look="quiet"
                  size="icon"
                  className="size-7"
                  aria-label={`Replace ${key}`}
                  title="Replace"
                  onClick={() => setSetting(key)}
                >
                  <RefreshCw aria-hidden className="size-3.5" />
                </Button>
                <Button
                  look="quiet"
                  size="icon"
                  className="size-7"
                  aria-label={`Remove ${key}`}
                  title="Remove"
                  onClick={() => setRemoving(key)}
                >
                  <Trash2 aria-hidden className="size-3.5" />
                </Button>
              </span>
            )}
          </li>
        ))}
      </ul>
      {setting !== undefined && (
        <SetSecrets environment={environment} name={setting} onSaved={onSaved} onClose={() => setSetting(undefined)} />
      )}
      {removing !== undefined && (
        <RemoveDialog
          environment={environment}
          what="secret"
          name={removing}
          onSaved={onSaved}
          onClose={() => setRemoving(undefined)}
        />
      )}
    </Card>
  );
}

interface Row {
  id: number;
  key: string;
  lines: boolean;
}

/** SetSecrets sets secrets. Their values are in the boxes only, read once when they are sent. */
function SetSecrets({
  environment,
  name,
  onSaved,
  onClose,
}: {
  environment: Environment;
  name: string;
  onSaved: (now: Environment) => void;
  onClose: () => void;
}) {
  const [rows, setRows] = useState<Row[]>([{ id: 0, key: name, lines: false }]);
  const put = (id: number, change: Partial<Row>) => setRows(rows.map((r) => (r.id === id ? { ...r, ...change } : r)));
  const error = (key: string) => {
    if (!key) return undefined;
    if (!envKey.test(key)) return "Letters, digits and underscores, not starting with a digit";
    return rows.filter((r) => r.key === key).length > 1 ? "This name is here twice" : undefined;
  };
  const filled = rows.filter((r) => r.key);
  const hidden = filled.filter((r) => r.key in environment.variables);
  const change = (form: HTMLFormElement) => ({
    secrets: Object.fromEntries(
      filled.map((r) => [r.key, (form.elements.namedItem(`secret-${r.id}`) as HTMLInputElement).value]),
    ),
  });
  return (
    <ChangeDialog
      environment={environment}
      title={
        name ? (
          <>
            Replace <span className="font-mono">{name}</span>
          </>
        ) : (
          "Add secrets"
        )
      }
      verb="Save"
      description="A value is encrypted when it is saved, and nobody can read it again."
      ready={filled.length > 0 && !rows.some((r) => error(r.key))}
      change={change}
      onSaved={onSaved}
      onClose={onClose}
    >
      {rows.map((r, i) => (
        <div key={r.id} className="space-y-2 rounded-lg border p-3">
          {!name && (
            <div className="flex items-end gap-2">
              <Field label="Name" error={error(r.key)} className="flex-1">
                <Input
                  className="font-mono text-xs"
                  placeholder="DB_PASSWORD"
                  value={r.key}
                  onChange={(e) => put(r.id, { key: e.target.value.trim() })}
                  autoComplete="off"
                  autoCapitalize="none"
                  spellCheck={false}
                />
              </Field>
              {rows.length > 1 && (
                <Button
                  look="quiet"
                  size="icon"
                  aria-label={`Leave out ${r.key || `secret ${i + 1}`}`}
                  onClick={() => setRows(rows.filter((o) => o.id !== r.id))}
                >
                  <X aria-hidden className="size-4" />
                </Button>
              )}
            </div>
          )}
          <Field label={name ? "New value" : "Value"}>
            {r.lines ? (
              <Textarea name={`secret-${r.id}`} autoComplete="off" rows={5} className="[-webkit-text-security:disc]" />
            ) : (
              <Input
                name={`secret-${r.id}`}
                type="password"
                autoComplete="new-password"
                data-1p-ignore
                data-lpignore="true"
                spellCheck={false}
              />
            )}
          </Field>
          {!r.lines && (
            <button
              type="button"
              className="text-xs text-accent-text underline-offset-2 hover:underline"
              onClick={() => put(r.id, { lines: true })}
            >
              It has several lines, such as a key in PEM
            </button>
          )}
        </div>
      ))}
      {!name && (
        <Button
          size="small"
          onClick={() => setRows([...rows, { id: Math.max(...rows.map((r) => r.id)) + 1, key: "", lines: false }])}
        >
          <Plus aria-hidden className="size-3.5" /> Another
        </Button>
      )}
      {hidden.length > 0 && (
        <p className="rounded-md bg-warn-soft px-3 py-2 text-warn-text">
          <b className="font-mono text-xs wrap-anywhere">{hidden.map((r) => r.key).join(", ")}</b> is a variable now and becomes a
          secret. Older versions still show what it was.
        </p>
      )}
    </ChangeDialog>
  );
}
