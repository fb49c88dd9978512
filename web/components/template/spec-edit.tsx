"use client";

import { Braces, Plus, X } from "lucide-react";
import { Pairs, type Pair } from "@/components/form/pairs";
import { Button } from "@/components/ui/button";
import { Field, Input, Select } from "@/components/ui/field";
import type { Problem, Schemas } from "@/lib/api";
import { memberError, type Spec } from "./model";

type Service = Schemas["ServiceSpec"];
type Kind = "branch" | "commit" | "ocp" | "url";

interface SpecEditProps {
  spec: Spec;
  onChange: (s: Spec) => void;
  /** Makes a parameter of a value and returns what stands in its place. */
  parameterize: (wanted: string, value: string) => string;
  repositories: Schemas["Repository"][];
  environments: string[];
  /** Rows of variables, which may hold one without a name while it is typed. */
  variables: Pair[];
  onVariables: (p: Pair[]) => void;
  problem: Problem | undefined;
}

const kindOf = (s: Service): Kind => (s.useOCP ? "ocp" : s.url !== undefined ? "url" : s.commit ? "commit" : "branch");

/** SpecEdit edits the parts of a definition that most templates have; all others are edited as JSON. */
export function SpecEdit({
  spec,
  onChange,
  parameterize,
  repositories,
  environments,
  variables,
  onVariables,
  problem,
}: SpecEditProps) {
  const services = Object.entries(spec.services ?? {});
  const gateways = repositories.filter((r) => r.gateway);
  const free = repositories.filter((r) => !r.gateway && !(r.name in (spec.services ?? {})));
  const put = (name: string, s: Service | undefined) => {
    const next = { ...spec.services };
    if (s) next[name] = s;
    else delete next[name];
    onChange({ ...spec, services: next });
  };
  return (
    <div className="space-y-4">
      <fieldset className="space-y-2">
        <legend className="mb-1 text-xs font-medium text-ink-2">Services</legend>
        {services.length === 0 && (
          <p className="text-xs text-ink-3">
            None yet: the shared environment answers for all. Add the ones that are under test.
          </p>
        )}
        {services.map(([name, s]) => (
          <ServiceRow
            key={name}
            name={name}
            service={s}
            onChange={(v) => put(name, v)}
            onRemove={() => put(name, undefined)}
            parameterize={parameterize}
            error={memberError(problem, `spec.services.${name}`)}
          />
        ))}
        <div className="flex flex-wrap gap-1.5">
          {free.slice(0, 12).map((r) => (
            <Button key={r.name} size="small" onClick={() => put(r.name, { branch: "main" })}>
              <Plus aria-hidden className="size-3.5" /> {r.name}
            </Button>
          ))}
        </div>
      </fieldset>
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label="Gateway" hint="Runs the API gateway. Without one, requests are routed by path.">
          <Select
            value={spec.gateway ? (spec.gateway.repository ?? gateways[0]?.name ?? "") : ""}
            onChange={(e) =>
              onChange({
                ...spec,
                gateway: e.target.value
                  ? { ...spec.gateway, repository: e.target.value, branch: spec.gateway?.branch ?? "main" }
                  : undefined,
              })
            }
          >
            <option value="">None</option>
            {gateways.map((g) => (
              <option key={g.name}>{g.name}</option>
            ))}
            {spec.gateway?.repository && !gateways.some((g) => g.name === spec.gateway?.repository) && (
              <option>{spec.gateway.repository}</option>
            )}
          </Select>
        </Field>
        {spec.gateway && (
          <Value
            label="Branch of the gateway"
            value={spec.gateway.branch ?? ""}
            wanted="gateway-branch"
            parameterize={parameterize}
            onChange={(branch) => onChange({ ...spec, gateway: { ...spec.gateway, branch, commit: undefined } })}
            error={memberError(problem, "spec.gateway")}
          />
        )}
        <Value
          label="Environment"
          value={spec.environment ?? ""}
          wanted="environment"
          parameterize={parameterize}
          list={environments}
          placeholder="none"
          onChange={(environment) => onChange({ ...spec, environment: environment || undefined })}
          error={memberError(problem, "spec.environment")}
        />
        <Value
          label="Description of the sandbox"
          value={spec.description ?? ""}
          wanted="description"
          parameterize={parameterize}
          placeholder="such as ${sandbox} for QA"
          onChange={(description) => onChange({ ...spec, description: description || undefined })}
          error={memberError(problem, "spec.description")}
        />
      </div>
      <fieldset className="space-y-2">
        <legend className="mb-1 text-xs font-medium text-ink-2">Variables for all services</legend>
        <Pairs
          noun="variable"
          pairs={variables}
          onChange={onVariables}
          error={(key) => memberError(problem, `spec.variables.${key}`)}
        />
      </fieldset>
    </div>
  );
}

interface ServiceRowProps {
  name: string;
  service: Service;
  onChange: (s: Service) => void;
  onRemove: () => void;
  parameterize: (wanted: string, value: string) => string;
  error: string | undefined;
}

function ServiceRow({ name, service: s, onChange, onRemove, parameterize, error }: ServiceRowProps) {
  const kind = kindOf(s);
  const kept = { variables: s.variables, limits: s.limits };
  const choose = (k: Kind) =>
    onChange(
      k === "ocp"
        ? { useOCP: true }
        : k === "url"
          ? { url: "" }
          : k === "commit"
            ? { ...kept, commit: "", branch: s.branch }
            : { ...kept, branch: s.branch ?? "main" },
    );
  return (
    <div className="grid gap-2 rounded-lg border p-3 sm:grid-cols-[8rem_9rem_minmax(0,1fr)_auto] sm:items-start">
      <p className="font-medium wrap-anywhere sm:pt-7">{name}</p>
      <Field label="Answered by">
        <Select aria-label={`Who answers for ${name}`} value={kind} onChange={(e) => choose(e.target.value as Kind)}>
          <option value="branch">a branch</option>
          <option value="commit">a commit</option>
          <option value="ocp">OCP</option>
          <option value="url">a URL</option>
        </Select>
      </Field>
      {kind === "ocp" ? (
        <p className="text-xs text-ink-3 sm:pt-7">The shared environment, as for every service that is not named.</p>
      ) : (
        <Value
          label={kind === "url" ? "URL" : kind === "commit" ? "Commit, 40 digits" : "Branch"}
          value={(kind === "url" ? s.url : kind === "commit" ? s.commit : s.branch) ?? ""}
          error={error}
          wanted={kind === "branch" ? `${name}-branch` : `${name}-${kind}`}
          parameterize={parameterize}
          onChange={(v) =>
            onChange(
              kind === "url" ? { url: v } : kind === "commit" ? { ...s, commit: v } : { ...s, branch: v, commit: undefined },
            )
          }
        />
      )}
      <Button look="quiet" size="icon" className="justify-self-end sm:mt-5" aria-label={`Remove ${name}`} onClick={onRemove}>
        <X aria-hidden className="size-4" />
      </Button>
    </div>
  );
}

interface ValueProps {
  label: string;
  value: string;
  /** What a parameter of it would be called. */
  wanted: string;
  parameterize: (wanted: string, value: string) => string;
  onChange: (v: string) => void;
  placeholder?: string;
  list?: string[];
  error?: string;
}

/** Value is a text that a parameter can stand in. */
function Value({ label, value, wanted, parameterize, onChange, placeholder, list, error }: ValueProps) {
  const id = `list-${wanted}`;
  return (
    <div className="flex min-w-0 items-start gap-1">
      <Field label={label} error={error} className="flex-1">
        <Input
          className="font-mono text-xs"
          value={value}
          placeholder={placeholder}
          list={list ? id : undefined}
          spellCheck={false}
          autoCapitalize="none"
          onChange={(e) => onChange(e.target.value)}
        />
      </Field>
      {list && (
        <datalist id={id}>
          {list.map((v) => (
            <option key={v} value={v} />
          ))}
        </datalist>
      )}
      <Button
        look="quiet"
        size="icon"
        className="mt-5"
        disabled={value.includes("${")}
        aria-label={`Make a parameter of ${label.toLowerCase()}`}
        title="Make it a parameter"
        onClick={() => onChange(parameterize(wanted, value))}
      >
        <Braces aria-hidden className="size-4" />
      </Button>
    </div>
  );
}
