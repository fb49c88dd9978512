"use client";

import { Plus, X } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Field, Select } from "@/components/ui/field";
import type { Schemas } from "@/lib/api";
import { BranchPicker } from "./branch-picker";
import type { Choice } from "./planned";

interface ChoicesProps {
  sandbox: Schemas["Sandbox"];
  repositories: Schemas["Repository"][];
  choices: Choice[];
  onChange: (choices: Choice[]) => void;
}

/** Choices is what to deploy: a row for each service with its branch. */
export function Choices({ sandbox, repositories, choices, onChange }: ChoicesProps) {
  const put = (i: number, c: Choice) => onChange(choices.map((old, at) => (at === i ? c : old)));
  const running = (service: string) => sandbox.services?.find((s) => s.name === service);
  return (
    <div className="space-y-3">
      {choices.map((c, i) => (
        <div
          key={i}
          role="group"
          aria-label={c.service || `Row ${i + 1}`}
          className="relative grid grid-cols-1 gap-3 rounded-lg border p-3 sm:grid-cols-[11rem_minmax(0,1fr)_auto] sm:items-start"
        >
          <Field label="Service">
            <Select
              value={c.service}
              required
              onChange={(e) => put(i, { service: e.target.value, revision: running(e.target.value)?.branch ?? "" })}
            >
              <option value="">Choose a service</option>
              <Offered label="In this sandbox" names={offered(sandbox, repositories, choices, c.service, true)} />
              <Offered label="Served by OCP until now" names={offered(sandbox, repositories, choices, c.service, false)} />
            </Select>
          </Field>
          <Field label="Branch" hint={hint(running(c.service), c)}>
            <BranchPicker
              key={c.service}
              repository={c.service}
              value={c.revision}
              onChange={(revision) => put(i, { ...c, revision })}
              allowCommit
              placeholder={c.service ? "Choose a branch" : "Choose the service first"}
            />
          </Field>
          {choices.length > 1 && (
            <Button
              look="quiet"
              size="icon"
              className="absolute top-0.5 right-1 sm:static sm:mt-5"
              aria-label={`Leave out ${c.service || `row ${i + 1}`}`}
              onClick={() => onChange(choices.filter((_, at) => at !== i))}
            >
              <X aria-hidden className="size-4" />
            </Button>
          )}
        </div>
      ))}
      {choices.length < repositories.length && (
        <Button size="small" onClick={() => onChange([...choices, { service: "", revision: "" }])}>
          <Plus aria-hidden className="size-3.5" /> Add a service
        </Button>
      )}
    </div>
  );
}

function Offered({ label, names }: { label: string; names: string[] }) {
  if (names.length === 0) return null;
  return (
    <optgroup label={label}>
      {names.map((n) => (
        <option key={n} value={n}>
          {n}
        </option>
      ))}
    </optgroup>
  );
}

/** offered are the services a row may have: those no other row has. */
function offered(
  sandbox: Schemas["Sandbox"],
  repositories: Schemas["Repository"][],
  choices: Choice[],
  own: string,
  inside: boolean,
): string[] {
  const deployed = new Set((sandbox.services ?? []).filter((s) => s.source === "sandbox" || s.serving).map((s) => s.name));
  return repositories
    .map((r) => r.name)
    .filter((n) => deployed.has(n) === inside && (n === own || !choices.some((c) => c.service === n)))
    .toSorted();
}

function hint(service: Schemas["Service"] | undefined, c: Choice): string | undefined {
  if (service?.track && c.revision && c.revision !== service.branch) return `It follows ${service.branch} now.`;
  if (service?.branch && service.branch !== c.revision) return `Until now: ${service.branch}`;
  return undefined;
}
