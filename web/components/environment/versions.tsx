"use client";

import Link from "next/link";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/empty";
import { Ago } from "@/components/ui/facts";
import { Field, Select } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { api, ok, type Schemas } from "@/lib/api";
import { cn } from "@/lib/cn";
import { plural } from "@/lib/format";
import { useResource } from "@/lib/live";
import { hrefs } from "@/lib/routes";
import { useQuery } from "@/lib/use-query";
import { useVersions } from "./use-environment";

type Version = Schemas["EnvironmentVersion"];

/** Versions lists the versions of an environment and says how any two of them differ. */
export function Versions({ name, newest }: { name: string; newest: number }) {
  const versions = useVersions(name);
  const { values, set } = useQuery("from", "to");
  const to = Number(values.to) || newest;
  const from = Number(values.from) || Math.max(1, to - 1);
  const choose = (f: number, t: number) => set({ from: String(f), to: String(t) });
  return (
    <div className="grid items-start gap-4 xl:grid-cols-2">
      <Card flush title="Versions">
        <ProblemBox problem={versions.problem} className="m-4" />
        {versions.loading && (
          <div className="px-4">
            <Skeleton />
          </div>
        )}
        <ul className="divide-y">
          {versions.data?.map((v) => (
            <Row
              key={v.version}
              version={v}
              name={name}
              newest={newest}
              chosen={v.version === to || v.version === from}
              compare={() => choose(Math.max(1, v.version - 1), v.version)}
            />
          ))}
        </ul>
      </Card>
      <Card title="Difference">
        {newest < 2 ? (
          <p className="text-ink-2">
            There is one version so far. Each change makes another, and this is where two of them are compared.
          </p>
        ) : (
          <>
            <div className="mb-4 flex items-end gap-2">
              <Choice label="From" value={from} versions={versions.data ?? []} onChange={(v) => choose(v, to)} />
              <Choice label="To" value={to} versions={versions.data ?? []} onChange={(v) => choose(from, v)} />
            </div>
            <Diff name={name} from={from} to={to} />
          </>
        )}
      </Card>
    </div>
  );
}

function Choice({
  label,
  value,
  versions,
  onChange,
}: {
  label: string;
  value: number;
  versions: Version[];
  onChange: (v: number) => void;
}) {
  return (
    <Field label={label} className="flex-1">
      <Select value={value} onChange={(e) => onChange(Number(e.target.value))}>
        {versions.map((v) => (
          <option key={v.version} value={v.version}>
            {v.version}: {v.note || `by ${v.author}`}
          </option>
        ))}
        {!versions.some((v) => v.version === value) && <option value={value}>{value}</option>}
      </Select>
    </Field>
  );
}

function Row({
  version: v,
  name,
  newest,
  chosen,
  compare,
}: {
  version: Version;
  name: string;
  newest: number;
  chosen: boolean;
  compare: () => void;
}) {
  return (
    <li className={cn("flex flex-wrap items-start gap-x-3 gap-y-1 px-4 py-2.5 sm:flex-nowrap", chosen && "bg-accent-soft/50")}>
      <span className="w-6 shrink-0 pt-0.5 text-right font-mono font-medium tabular-nums">{v.version}</span>
      <div className="min-w-0 flex-1">
        <p className="break-words">
          {v.note || <span className="text-ink-3">no note</span>}
          {v.version === newest && (
            <Badge tone="ok" className="ml-2">
              newest
            </Badge>
          )}
        </p>
        <p className="text-xs text-ink-3">
          {v.author}, <Ago at={v.createdAt} /> · {plural(v.variables, "variable")}, {plural(v.secrets, "secret")},{" "}
          {plural(v.files, "file")}
        </p>
      </div>
      <span className="flex shrink-0 gap-1 max-sm:-ml-2.5 max-sm:basis-full max-sm:pl-9">
        <Link
          prefetch={false}
          href={`${hrefs.environment(name)}${v.version === newest ? "" : `&version=${v.version}`}`}
          className="inline-flex h-7 items-center rounded-md px-2.5 text-xs font-medium text-ink-2 hover:bg-sunken hover:text-ink"
          aria-label={`Show version ${v.version}`}
        >
          Show
        </Link>
        {v.version > 1 && (
          <Button size="small" look="quiet" onClick={compare} aria-label={`What changed in version ${v.version}`}>
            What changed
          </Button>
        )}
      </span>
    </li>
  );
}

const signs = { added: ["+", "text-ok-text"], removed: ["-", "text-bad-text"], changed: ["~", "text-warn-text"] } as const;

/** Diff says in which entries two versions differ; of secrets and files only that they do. */
function Diff({ name, from, to }: { name: string; from: number; to: number }) {
  const diff = useResource(`diff ${name} ${from} ${to}`, (signal) =>
    ok(
      api.GET("/api/v1/environments/{environment}/diff", {
        params: { path: { environment: name }, query: { from, to } },
        signal,
      }),
    ),
  );
  if (diff.problem) return <ProblemBox problem={diff.problem} />;
  if (!diff.data) return <Skeleton />;
  if (diff.data.differences.length === 0)
    return (
      <p className="text-ink-2">
        Versions {from} and {to} hold the same.
      </p>
    );
  return (
    <ul className="divide-y rounded-lg border" aria-label={`Differences from version ${from} to ${to}`}>
      {diff.data.differences.map((d) => {
        const [sign, colour] = signs[d.kind as keyof typeof signs] ?? signs.changed;
        return (
          <li key={d.what + d.key} className="grid grid-cols-[1rem_minmax(0,1fr)] gap-x-2 px-3 py-2">
            <span aria-hidden className={cn("font-mono font-bold", colour)}>
              {sign}
            </span>
            <div className="min-w-0">
              <p className="flex flex-wrap items-baseline gap-x-2">
                <span className="font-mono text-xs font-medium wrap-anywhere">{d.key}</span>
                <span className="text-xs text-ink-3">
                  {d.what} {d.kind}
                </span>
              </p>
              {d.what === "variable" ? (
                <div className="mt-1 space-y-1 font-mono text-xs wrap-anywhere whitespace-pre-wrap">
                  {d.kind !== "added" && (
                    <p className="rounded bg-bad-soft px-2 py-1 text-bad-text">
                      <span className="sr-only">before: </span>
                      {d.before || <i>empty</i>}
                    </p>
                  )}
                  {d.kind !== "removed" && (
                    <p className="rounded bg-ok-soft px-2 py-1 text-ok-text">
                      <span className="sr-only">after: </span>
                      {d.after || <i>empty</i>}
                    </p>
                  )}
                </div>
              ) : (
                d.kind === "changed" && <p className="text-xs text-ink-3">What it holds differs; it is not shown.</p>
              )}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
