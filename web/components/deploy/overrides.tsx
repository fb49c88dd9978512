"use client";

import { KeyRound, Plus, X } from "lucide-react";
import { Pairs, type Pair } from "@/components/form/pairs";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/field";
import type { Schemas } from "@/lib/api";
import { plural } from "@/lib/format";
import { keyError } from "./planned";

/** A secret as it is being typed. Its row is known by its id, because its box is never told what is in it. */
export interface SecretRow {
  id: number;
  key: string;
  value: string;
}

interface OverridesProps {
  sandbox: Schemas["Sandbox"];
  services: string[];
  variables: Pair[];
  onVariables: (pairs: Pair[]) => void;
  secrets: SecretRow[];
  onSecrets: (rows: SecretRow[]) => void;
}

/** Overrides are variables and secrets that a deploy sets for its services. */
export function Overrides({ sandbox, services, variables, onVariables, secrets, onSecrets }: OverridesProps) {
  const count = variables.length + secrets.length;
  return (
    <details className="rounded-lg border" open={count > 0 || undefined}>
      <summary className="px-3 py-2.5 font-medium">
        Environment and overrides{" "}
        <span className="font-normal text-ink-3">{count > 0 ? plural(count, "override") : "optional"}</span>
      </summary>
      <div className="space-y-4 border-t px-3 py-3">
        <p className="text-xs text-ink-2">
          {sandbox.environment ? (
            <>
              The services find environment <b className="font-medium">{sandbox.environment}</b> (
              {sandbox.environmentVersion ? `version ${sandbox.environmentVersion}` : "its newest version"}).{" "}
            </>
          ) : (
            "The sandbox has no environment. "
          )}
          What you set here wins over it, and <b className="font-medium">stays set</b> for later deployments of{" "}
          {services.length > 1 ? "these services" : services[0] || "the service"} in this sandbox, until you change it.
        </p>
        <section aria-label="Variables" className="space-y-2">
          <h3 className="text-xs font-semibold text-ink-2">Variables</h3>
          <Known sandbox={sandbox} services={services} />
          <Pairs noun="variable" pairs={variables} onChange={onVariables} error={keyError} />
        </section>
        <section aria-label="Secrets" className="space-y-2">
          <h3 className="flex items-center gap-1.5 text-xs font-semibold text-ink-2">
            <KeyRound aria-hidden className="size-3.5" /> Secrets
          </h3>
          <p className="text-xs text-ink-3">
            Encrypted when they arrive, masked in logs, and never shown again: not here, not in the plan.
          </p>
          <Secrets rows={secrets} onChange={onSecrets} />
        </section>
      </div>
    </details>
  );
}

function Known({ sandbox, services }: { sandbox: Schemas["Sandbox"]; services: string[] }) {
  const set = (sandbox.services ?? [])
    .filter((s) => services.includes(s.name))
    .flatMap((s) => [
      ...Object.keys(s.env ?? {}).map((k) => ({ service: s.name, key: k, what: "" })),
      ...(s.secretKeys ?? []).map((k) => ({ service: s.name, key: k, what: " (secret)" })),
    ]);
  if (set.length === 0) return null;
  return (
    <p className="text-xs break-words text-ink-3">
      Set already:{" "}
      {set.map((k, i) => (
        <span key={i}>
          {i > 0 && ", "}
          <span className="font-mono">
            {services.length > 1 && `${k.service}: `}
            {k.key}
          </span>
          {k.what}
        </span>
      ))}
    </p>
  );
}

function Secrets({ rows, onChange }: { rows: SecretRow[]; onChange: (rows: SecretRow[]) => void }) {
  const put = (row: SecretRow) => onChange(rows.map((old) => (old.id === row.id ? row : old)));
  return (
    <>
      {rows.map((r, i) => {
        const wrong = keyError(r.key);
        return (
          <div key={r.id}>
            <div className="flex items-center gap-2">
              <Input
                className="max-w-[45%] font-mono text-xs"
                aria-label={`Name of secret ${i + 1}`}
                placeholder="NAME"
                spellCheck={false}
                autoCapitalize="none"
                autoComplete="off"
                value={r.key}
                aria-invalid={wrong ? true : undefined}
                onChange={(e) => put({ ...r, key: e.target.value })}
              />
              {/* No value: React would write it into the page as an attribute. */}
              <Input
                type="password"
                className="font-mono text-xs"
                aria-label={`Value of secret ${i + 1}`}
                placeholder="value"
                autoComplete="new-password"
                onChange={(e) => put({ ...r, value: e.target.value })}
              />
              <Button
                look="quiet"
                size="icon"
                aria-label={`Remove secret ${r.key || i + 1}`}
                onClick={() => onChange(rows.filter((o) => o.id !== r.id))}
              >
                <X aria-hidden className="size-4" />
              </Button>
            </div>
            {wrong && (
              <p role="alert" className="mt-1 text-xs font-medium text-bad-text">
                {wrong}
              </p>
            )}
          </div>
        );
      })}
      <Button size="small" onClick={() => onChange([...rows, { id: (rows.at(-1)?.id ?? 0) + 1, key: "", value: "" }])}>
        <Plus aria-hidden className="size-3.5" /> Add secret
      </Button>
    </>
  );
}
