"use client";

import { useState } from "react";
import { BranchPicker } from "@/components/deploy/branch-picker";
import { Dot } from "@/components/ui/badge";
import { Field, Input, Select } from "@/components/ui/field";
import { cn } from "@/lib/cn";
import { plural } from "@/lib/format";
import type { Schemas } from "@/lib/api";
import { host } from "@/lib/routes";
import type { Choice, Repository } from "./spec";

const fewRepositories = 8; // more want a search

interface Props {
  value: Choice;
  onChange: (c: Choice) => void;
  repositories: Repository[];
  environments: Schemas["EnvironmentSummary"][];
  /** Repositories whose branch is still missing; said once somebody asks for the plan. */
  complaints: string[];
}

/** ServicesForm picks what runs from a branch. All others stay with OCP. */
export function ServicesForm({ value, onChange, repositories, environments, complaints }: Props) {
  const [search, setSearch] = useState("");
  const services = repositories.filter((r) => !r.gateway);
  const gateways = repositories.filter((r) => r.gateway);
  const shown = services.filter((r) => r.name in value.branches || r.name.includes(search.trim().toLowerCase()));
  const set = (repository: string, branch: string | undefined) => {
    const branches = { ...value.branches };
    if (branch === undefined) delete branches[repository];
    else branches[repository] = branch;
    onChange({ ...value, branches });
  };
  return (
    <>
      <fieldset className="min-w-0 space-y-2">
        <legend className="text-xs font-medium text-ink-2">
          Run from a branch{" "}
          <span className="font-normal text-ink-3">
            ({plural(Object.keys(value.branches).length, "service")}; OCP answers for the others)
          </span>
        </legend>
        {services.length > fewRepositories && (
          <Input
            type="search"
            aria-label="Search services"
            placeholder={`Search ${services.length} services`}
            value={search}
            onChange={(e) => setSearch(e.target.value)}
          />
        )}
        <ul className="divide-y rounded-lg border">
          {shown.map((r) => (
            <ServiceChoice
              key={r.name}
              repository={r}
              branch={value.branches[r.name]}
              complain={complaints.includes(r.name)}
              onChange={(b) => set(r.name, b)}
            />
          ))}
          {shown.length === 0 && (
            <li className="px-3 py-3 text-ink-3">
              {services.length === 0 ? "No node has a repository configured." : "No service is called so."}
            </li>
          )}
        </ul>
      </fieldset>
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label="Environment" hint="Variables, secrets and files for its services.">
          <Select value={value.environment} onChange={(e) => onChange({ ...value, environment: e.target.value })}>
            <option value="">None</option>
            {environments.map((e) => (
              <option key={e.name} value={e.name}>
                {e.name}
                {e.description ? `: ${e.description}` : ""}
              </option>
            ))}
          </Select>
        </Field>
        {gateways.length > 0 && (
          <Field
            label="Gateway"
            hint={
              value.gateway
                ? "It answers at the sandbox's URL."
                : "Without one, requests for /account/... go to account, and so on."
            }
          >
            <Select value={value.gateway} onChange={(e) => onChange({ ...value, gateway: e.target.value, gatewayBranch: "" })}>
              <option value="">None: routed by path</option>
              {gateways.map((g) => (
                <option key={g.name} value={g.name}>
                  {g.name}
                </option>
              ))}
            </Select>
          </Field>
        )}
        {value.gateway && (
          <Field
            label="Branch of the gateway"
            className="sm:col-start-2"
            error={complaints.includes(value.gateway) ? "Choose a branch." : undefined}
          >
            <BranchPicker
              repository={value.gateway}
              value={value.gatewayBranch}
              onChange={(gatewayBranch) => onChange({ ...value, gatewayBranch })}
            />
          </Field>
        )}
      </div>
    </>
  );
}

function ServiceChoice({
  repository: r,
  branch,
  complain,
  onChange,
}: {
  repository: Repository;
  branch: string | undefined;
  complain: boolean;
  onChange: (branch: string | undefined) => void;
}) {
  const own = branch !== undefined;
  return (
    <li
      className={cn(
        "grid items-center gap-x-3 px-3 py-1.5 sm:grid-cols-[11rem_minmax(0,1fr)]",
        own ? "gap-y-1" : "grid-cols-[minmax(0,1fr)_auto]",
      )}
    >
      <label className="flex min-h-9 min-w-0 items-center gap-2.5">
        <input
          type="checkbox"
          className="size-4 shrink-0 accent-accent"
          checked={own}
          onChange={(e) => onChange(e.target.checked ? "" : undefined)}
        />
        <span className="min-w-0 truncate font-medium" title={r.name}>
          {r.name}
        </span>
      </label>
      {own ? (
        <Field label={`Branch of ${r.name}`} hideLabel error={complain ? "Choose a branch." : undefined}>
          <BranchPicker repository={r.name} value={branch} onChange={onChange} />
        </Field>
      ) : r.ocp ? (
        <p className="flex min-w-0 items-center gap-2 text-xs text-ink-3">
          <Dot tone="ocp" />
          <span className="font-medium text-ocp-text">OCP</span>
          <span className="truncate font-mono">{host(r.ocp)}</span>
        </p>
      ) : (
        <p className="flex items-center gap-2 text-xs text-ink-3">
          <Dot tone="idle" />
          not in OCP: nothing answers
        </p>
      )}
    </li>
  );
}
