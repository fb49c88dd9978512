"use client";

import { Box, Cloud, CornerDownRight, Globe, TriangleAlert } from "lucide-react";
import Link from "next/link";
import { useMemo } from "react";
import { Badge, type Tone } from "@/components/ui/badge";
import { CopyButton } from "@/components/ui/copy";
import type { Schemas } from "@/lib/api";
import { cn } from "@/lib/cn";
import { bytes, duration, plural, shortSHA } from "@/lib/format";
import { host, hrefs } from "@/lib/routes";
import type { ServiceNode } from "../topology/model";
import { placeHops, type PlacedHop } from "./hops";

/** TraceResult is the picture of a traced request: hop by hop, on one line of time, and what came back. */
export function TraceResult({ trace, nodes }: { trace: Schemas["Trace"]; nodes: ServiceNode[] }) {
  const { placed, millis } = useMemo(() => placeHops(trace.hops), [trace.hops]);
  const branches = useMemo(() => new Map(nodes.map((n) => [n.own?.serving?.deployment, n.branch])), [nodes]);
  return (
    <div className="mt-4 space-y-4">
      <p role="status" className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Status status={trace.status} />
        <span className="font-mono text-xs wrap-anywhere">{trace.path}</span>
        <span className="text-ink-2">
          {plural(trace.hops.length, "hop")}, {duration(millis)}
        </span>
        <span className="inline-flex items-center font-mono text-xs text-ink-3">
          {trace.id}
          <CopyButton text={trace.id} label="Copy the ID of the trace" />
        </span>
      </p>
      {trace.missing && trace.missing.length > 0 && (
        <p className="flex gap-2 rounded-lg bg-warn-soft p-3 text-warn-text">
          <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />{" "}
          <span>
            {plural(trace.missing.length, "node")} did not report: {trace.missing.join(", ")}. Hops they saw are missing here.
          </span>
        </p>
      )}
      {trace.hops.length === 0 ? (
        <p className="text-ink-2">No router reported a hop.</p>
      ) : (
        <ol aria-label="Hops" className="divide-y overflow-hidden rounded-lg border">
          {placed.map((p) => (
            <HopRow key={p.number} placed={p} branch={p.hop.deployment ? branches.get(p.hop.deployment) : undefined} />
          ))}
        </ol>
      )}
      <Answer body={trace.body} />
    </div>
  );
}

function statusTone(status: number): Tone {
  if (status >= 500 || status === 0) return "bad";
  if (status >= 400) return "warn";
  return status >= 300 ? "info" : "ok";
}

function Status({ status }: { status: number }) {
  return <Badge tone={statusTone(status)}>{status === 0 ? "no answer" : status}</Badge>;
}

const bar: Record<string, string> = { sandbox: "bg-ok", ocp: "bg-ocp", url: "bg-idle" };

function HopRow({ placed: { hop, number, depth, start, length }, branch }: { placed: PlacedHop; branch: string | undefined }) {
  const failed = hop.status >= 500 || hop.status === 0;
  return (
    <li className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-3 gap-y-1 px-3 py-2.5 lg:grid-cols-[minmax(0,22rem)_minmax(0,1fr)_8.5rem] lg:gap-x-4">
      <div className="flex min-w-0 items-start gap-2" style={{ paddingLeft: `${Math.min(depth, 6) * 0.8}rem` }}>
        {depth > 0 && <CornerDownRight aria-hidden className="mt-0.5 -mr-0.5 size-3.5 shrink-0 text-ink-3" />}
        <span
          aria-hidden
          className="flex size-5 shrink-0 items-center justify-center rounded-full bg-accent text-[11px] font-semibold text-accent-ink tabular-nums"
        >
          {number}
        </span>
        <div className="min-w-0">
          <p className="break-words">
            <span className="text-ink-3">{hop.from} → </span>
            <b className="font-semibold">{hop.service}</b>{" "}
            {hop.inferred && (
              <Badge tone="warn" title="The caller did not pass the trace header on: attributed by time and origin.">
                inferred
              </Badge>
            )}
          </p>
          <Asked hop={hop} className="max-lg:hidden" />
        </div>
      </div>
      <div className="text-right lg:order-last">
        <span className="inline-flex items-center gap-2 tabular-nums">
          <Status status={hop.status} /> <span className="min-w-14">{tenths(hop.millis)}</span>
        </span>
      </div>
      <div className="col-span-2 min-w-0 space-y-1 lg:col-span-1">
        <Asked hop={hop} className="lg:hidden" />
        <AnsweredBy hop={hop} branch={branch} />
        <div aria-hidden className="relative h-1.5 rounded-full bg-sunken">
          <div
            className={cn("absolute h-full rounded-full", failed ? "bg-bad" : bar[hop.source])}
            style={{ left: `${start}%`, width: `${length}%` }}
          />
        </div>
      </div>
    </li>
  );
}

function Asked({ hop, className }: { hop: Schemas["Hop"]; className: string }) {
  return (
    <p className={cn("font-mono text-xs wrap-anywhere text-ink-2", className)}>
      {hop.method} {hop.path}
    </p>
  );
}

/** tenths shows short durations with a decimal: hops take fractions of a millisecond. */
function tenths(ms: number): string {
  return ms < 100 ? `${ms.toFixed(1)} ms` : duration(ms);
}

function AnsweredBy({ hop, branch }: { hop: Schemas["Hop"]; branch: string | undefined }) {
  const Icon = hop.source === "ocp" ? Cloud : hop.source === "url" ? Globe : Box;
  const commit = hop.sha && (
    <span className="font-mono">
      {branch ? `${branch}@` : ""}
      {shortSHA(hop.sha)}
    </span>
  );
  return (
    <p className="flex min-w-0 items-start gap-1.5 text-xs text-ink-2">
      <Icon
        aria-hidden
        className={cn(
          "mt-0.5 size-3.5 shrink-0",
          hop.source === "ocp" ? "text-ocp-text" : hop.source === "sandbox" ? "text-ok-text" : "",
        )}
      />
      <span className="min-w-0 wrap-anywhere">
        {hop.source === "sandbox" ? "sandbox " : hop.source === "ocp" ? "OCP " : "URL "}
        {commit &&
          (hop.deployment ? (
            <Link href={hrefs.deployment(hop.deployment)} className="text-accent-text underline-offset-2 hover:underline">
              {commit}
            </Link>
          ) : (
            commit
          ))}
        {hop.target ? (
          <span className="font-mono"> {hop.source === "sandbox" ? hop.target : host(hop.target)}</span>
        ) : (
          " nobody answers"
        )}
        <span className="text-ink-3"> via {hop.node}</span>
      </span>
    </p>
  );
}

/** Answer is what came back: hostile text, only ever shown as such. */
function Answer({ body }: { body: string | undefined }) {
  if (!body) return <p className="text-ink-2">The answer has no body.</p>;
  const size = new TextEncoder().encode(body).length;
  return (
    <section aria-label="Answer">
      <div className="mb-1 flex items-center justify-between">
        <h3 className="text-xs font-medium text-ink-3">Answer{size >= 2048 ? ", first 2 KiB" : `, ${bytes(size)}`}</h3>
        <CopyButton text={body} label="Copy the answer" />
      </div>
      <pre
        tabIndex={0}
        aria-label="Body of the answer"
        className="max-h-72 overflow-auto rounded-lg bg-log p-3 font-mono text-xs break-words whitespace-pre-wrap text-log-ink"
      >
        {body}
      </pre>
    </section>
  );
}
