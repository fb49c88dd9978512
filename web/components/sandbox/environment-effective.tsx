"use client";

import { FileText, Search } from "lucide-react";
import { useState } from "react";
import { limitsLine } from "@/components/form/limits";
import { Badge, Dot, type Tone } from "@/components/ui/badge";
import { Card } from "@/components/ui/card";
import { CopyButton } from "@/components/ui/copy";
import { Empty, Skeleton } from "@/components/ui/empty";
import { Input } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { asProblem, type Problem, type Schemas } from "@/lib/api";
import { cn } from "@/lib/cn";
import { bytes, plural } from "@/lib/format";
import { Masked } from "./environment-own";

type Explained = Schemas["EffectiveEnvironment"];
type Value = Schemas["EffectiveValue"];

const layers: Record<string, { tone: Tone; label: string; hint: string }> = {
  sdp: { tone: "idle", label: "SDP", hint: "set by the platform" },
  repository: { tone: "ocp", label: "repository", hint: "the repository's defaults" },
  environment: { tone: "info", label: "environment", hint: "the sandbox's environment" },
  sandbox: { tone: "ok", label: "sandbox", hint: "the sandbox's own" },
  service: { tone: "warn", label: "service", hint: "set for the service, with a deployment or in sandbox.yaml" },
};

interface EffectiveProps {
  services: Schemas["Service"][];
  shown: string | undefined;
  onShow: (service: string) => void;
  behind: string[];
  answer: PromiseSettledResult<Explained> | undefined;
  problem: Problem | undefined;
}

/** EffectiveEnvironment shows, for one service, each value it would find if it were started now, and where it comes from. */
export function EffectiveEnvironment({ services, shown, onShow, behind, answer, problem }: EffectiveProps) {
  const [search, setSearch] = useState("");
  if (!shown) return null;
  return (
    <Card
      flush
      title="What each service finds"
      actions={
        <label className="relative">
          <span className="sr-only">Search the variables</span>
          <Search aria-hidden className="absolute top-2 left-2.5 size-4 text-ink-3" />
          <Input
            type="search"
            className="h-8 w-56 max-w-[70vw] pl-8"
            placeholder="Search the variables"
            value={search}
            onChange={(e) => setSearch(e.target.value)}
          />
        </label>
      }
    >
      <div role="group" aria-label="Service" className="flex flex-wrap gap-1.5 border-b px-4 py-2.5">
        {services.map((s) => (
          <button
            key={s.name}
            type="button"
            aria-pressed={s.name === shown}
            onClick={() => onShow(s.name)}
            className={cn(
              "inline-flex items-center gap-1.5 rounded-full border px-3 py-1 text-xs font-medium",
              s.name === shown ? "border-accent bg-accent-soft text-accent-text" : "bg-surface text-ink-2 hover:bg-sunken",
            )}
          >
            {s.serving ? <Dot tone={behind.includes(s.name) ? "warn" : "ok"} /> : <Dot tone="idle" />}
            {s.name}
            {behind.includes(s.name) && " (behind)"}
          </button>
        ))}
      </div>
      <ProblemBox problem={problem} className="m-4" />
      {!answer && !problem && (
        <div className="p-4">
          <Skeleton lines={5} />
        </div>
      )}
      {answer?.status === "rejected" && <ProblemBox problem={asProblem(answer.reason)} className="m-4" />}
      {answer?.status === "fulfilled" && <Values explained={answer.value} search={search} />}
    </Card>
  );
}

function Values({ explained: e, search }: { explained: Explained; search: string }) {
  const wanted = search.trim().toLowerCase();
  // What people set comes first, what the platform sets last.
  const rank = Object.keys(layers);
  const values = (e.values ?? [])
    .toSorted((a, b) => rank.indexOf(b.layer) - rank.indexOf(a.layer) || a.key.localeCompare(b.key))
    .filter((v) => !wanted || `${v.key} ${v.value ?? ""} ${v.layer} ${v.of ?? ""}`.toLowerCase().includes(wanted));
  const files = e.files ?? [];
  return (
    <>
      <p className="border-b px-4 py-2 text-xs text-ink-3">
        {e.running
          ? "What it would find if it were started now"
          : `${e.service} does not run here; this is what it would find if it were deployed`}
        : {plural(e.values?.length ?? 0, "value")}
        {files.length > 0 && `, ${plural(files.length, "file")}`}. Limits: {limitsLine(e.limits) || "none"}. Later layers win:
        SDP, repository, environment, sandbox, service.
      </p>
      {values.length === 0 && (
        <div className="p-4">
          <Empty title="Nothing matches">No name, value or origin contains “{search}”.</Empty>
        </div>
      )}
      {values.length > 0 && (
        <table className="w-full text-left">
          <caption className="sr-only">Variables of {e.service}</caption>
          <thead className="hidden sm:table-header-group">
            <tr className="border-b text-xs text-ink-3">
              <th scope="col" className="px-4 py-2 font-medium">
                Name
              </th>
              <th scope="col" className="px-4 py-2 font-medium">
                Value
              </th>
              <th scope="col" className="px-4 py-2 font-medium">
                From
              </th>
              <th scope="col" className="px-4 py-2 font-medium">
                Hides
              </th>
            </tr>
          </thead>
          <tbody className="divide-y">
            {values.map((v) => (
              <ValueRow key={v.key} value={v} />
            ))}
          </tbody>
        </table>
      )}
      {files.length > 0 && (
        <div className="border-t p-4">
          <h3 className="mb-2 text-xs font-semibold text-ink-2">Files, read-only in the container</h3>
          <ul className="space-y-1.5">
            {files.map((f) => (
              <li key={f.path} className="flex items-center gap-2 text-xs">
                <FileText aria-hidden className="size-4 shrink-0 text-ink-3" />
                <span className="min-w-0 font-mono wrap-anywhere">{f.path}</span>
                <span className="shrink-0 text-ink-3">{bytes(f.size)}, content is secret</span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

function ValueRow({ value: v }: { value: Value }) {
  const hidden = v.overrides ?? [];
  return (
    <tr className="group block px-4 py-2 sm:table-row sm:p-0">
      <th
        scope="row"
        className="block font-mono text-xs font-medium wrap-anywhere sm:table-cell sm:w-[26%] sm:px-4 sm:py-2 sm:align-top"
      >
        {v.key}
      </th>
      <td className="block sm:table-cell sm:px-4 sm:py-2 sm:align-top">
        {v.secret ? (
          <Masked />
        ) : (
          <span className="flex items-start gap-1">
            <span className="min-w-0 font-mono text-xs wrap-anywhere text-ink-2">
              {v.value || <span className="text-ink-3">(empty)</span>}
            </span>
            {v.value && (
              <span className="-my-1 hidden shrink-0 opacity-0 group-hover:opacity-100 focus-within:opacity-100 sm:block">
                <CopyButton text={v.value} label={`Copy the value of ${v.key}`} />
              </span>
            )}
          </span>
        )}
      </td>
      <td className="inline-block py-1 sm:table-cell sm:px-4 sm:py-1.5 sm:align-top sm:whitespace-nowrap">
        <Origin layer={v.layer} of={v.of} />
      </td>
      <td className="block sm:table-cell sm:px-4 sm:py-2 sm:align-top">
        {hidden.length > 0 && (
          <span className="flex flex-wrap items-center gap-1 text-xs text-ink-3">
            <span className="sm:hidden">hides</span>
            {hidden.map((o, i) => (
              <span key={i} className="line-through decoration-ink-3/60">
                <Origin layer={o.layer} of={o.of} secret={o.secret} />
              </span>
            ))}
          </span>
        )}
      </td>
    </tr>
  );
}

function Origin({ layer, of, secret }: { layer: string; of?: string; secret?: boolean }) {
  const l = layers[layer] ?? { tone: "idle" as Tone, label: layer, hint: "" };
  // "environment dev@3" says more than either alone; a sandbox's or service's name is known here.
  return (
    <Badge tone={l.tone} title={`${l.hint}${of ? `: ${of}` : ""}${secret ? " (a secret there)" : ""}`}>
      {layer === "environment" && of ? of : l.label}
    </Badge>
  );
}
