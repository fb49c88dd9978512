"use client";

import { useState } from "react";
import { NameField, validName } from "@/components/form/name";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Skeleton } from "@/components/ui/empty";
import { Field, Input, Select } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { all, api, newKey, ok } from "@/lib/api";
import { useAction, useResource } from "@/lib/live";
import { freeName, leaves, type Template } from "./model";

/** FromSandbox makes a template of how a sandbox is; values that are chosen become parameters. */
export function FromSandbox({ onClose, onSaved }: { onClose: () => void; onSaved: (t: Template) => void }) {
  const [sandbox, setSandbox] = useState("");
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [places, setPlaces] = useState<Record<string, string>>({}); // path to the parameter that takes its place
  const sandboxes = useResource("sandboxes", (signal) =>
    all((cursor) => ok(api.GET("/api/v1/sandboxes", { params: { query: { cursor, limit: 200 } }, signal }))),
  );
  const spec = useResource(sandbox ? `definition/${sandbox}` : null, (signal) =>
    ok(api.GET("/api/v1/sandboxes/{name}/definition", { params: { path: { name: sandbox } }, signal })),
  );
  const save = useAction(async () => {
    onSaved(
      await ok(
        api.POST("/api/v1/templates", {
          params: { header: { "Idempotency-Key": newKey() } },
          body: {
            name,
            description: description || undefined,
            fromSandbox: sandbox,
            places: Object.entries(places).map(([at, parameter]) => ({ at, parameter })),
          },
        }),
      ),
    );
  });
  const values = spec.data
    ? leaves(spec.data)
        .filter(([at]) => at !== "name")
        .sort(([a], [b]) => rank(a) - rank(b))
    : [];
  const ready = sandbox && validName(name, 40) && spec.data;
  return (
    <Dialog
      wide
      open
      onOpenChange={onClose}
      title="New template from a sandbox"
      description="Its definition, with parameters in the places you choose. Secrets are never part of a template."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="from-sandbox" look="primary" busy={save.busy} disabled={!ready}>
            Create template
          </Button>
        </>
      }
    >
      <form
        id="from-sandbox"
        className="space-y-4"
        onSubmit={(e) => {
          e.preventDefault();
          if (ready) void save.act();
        }}
      >
        <div className="grid gap-3 sm:grid-cols-2">
          <Field label="Sandbox">
            <Select
              value={sandbox}
              onChange={(e) => {
                setSandbox(e.target.value);
                setPlaces({});
                if (!name) setName(e.target.value);
              }}
              autoFocus
            >
              <option value="" disabled>
                Choose one
              </option>
              {sandboxes.data?.map((s) => (
                <option key={s.name} value={s.name}>
                  {s.name}
                  {s.description ? `: ${s.description.slice(0, 50)}` : ""}
                </option>
              ))}
            </Select>
          </Field>
          <NameField label="Name of the template" max={40} value={name} onChange={setName} />
          <Field label="Description" hint="What it is for: people choose by it." className="sm:col-span-2">
            <Input value={description} maxLength={500} onChange={(e) => setDescription(e.target.value)} />
          </Field>
        </div>
        <ProblemBox problem={sandboxes.problem ?? spec.problem} />
        {sandbox && !spec.data && !spec.problem && <Skeleton lines={4} />}
        {values.length > 0 && <Places values={values} places={places} onChange={setPlaces} />}
        <ProblemBox problem={save.problem} />
      </form>
    </Dialog>
  );
}

/** Places chooses which values of a definition become parameters, and what these are called. */
function Places({
  values,
  places,
  onChange,
}: {
  values: [string, string][];
  places: Record<string, string>;
  onChange: (p: Record<string, string>) => void;
}) {
  const toggle = (at: string) => {
    const next = { ...places };
    if (at in next) delete next[at];
    else next[at] = freeName(wanted(at), Object.values(places));
    onChange(next);
  };
  return (
    <fieldset className="space-y-2">
      <legend className="mb-1 text-xs font-medium text-ink-2">What becomes a parameter? Its value of now is the default.</legend>
      <ul className="divide-y rounded-lg border">
        {values.map(([at, value]) => (
          <li key={at} className="grid items-center gap-x-4 gap-y-1.5 px-3 py-2 sm:grid-cols-[minmax(0,1fr)_13rem]">
            <label className="flex min-w-0 items-start gap-2.5">
              <input
                type="checkbox"
                className="mt-0.5 size-4 shrink-0 accent-accent"
                checked={at in places}
                onChange={() => toggle(at)}
              />
              <span className="min-w-0">
                <span className="block text-xs text-ink-2">{readable(at)}</span>
                <span className="block font-mono text-xs wrap-anywhere">{value}</span>
              </span>
            </label>
            {at in places && (
              <Input
                className="h-8 font-mono text-xs"
                aria-label={`Parameter for ${readable(at)}`}
                value={places[at]}
                spellCheck={false}
                autoCapitalize="none"
                onChange={(e) => onChange({ ...places, [at]: e.target.value })}
              />
            )}
          </li>
        ))}
      </ul>
      <p className="text-xs text-ink-3">
        One name in several places is one parameter. A branch that becomes a parameter is not pinned to its commit.
      </p>
    </fieldset>
  );
}

/** rank puts first what mostly becomes a parameter. */
function rank(at: string): number {
  if (at.endsWith(".branch")) return at.startsWith("services.") ? 0 : 1;
  if (at === "environment") return 2;
  return at.endsWith(".commit") || at === "gateway.repository" ? 4 : 3;
}

/** readable says a path in words: "services.account.branch" is "account: branch". */
function readable(at: string): string {
  return at.replace(/^services\./, "").replaceAll(".", ": ");
}

/** wanted is the natural name of a parameter at a path: "account-branch", "environment", "log-level". */
function wanted(at: string): string {
  const parts = at.split(".");
  if (parts[0] === "gateway" && parts.length === 2) return parts.join("-");
  return parts[0] === "services" && parts.length === 3 ? `${parts[1]}-${parts[2]}` : (parts.at(-1) ?? at);
}
