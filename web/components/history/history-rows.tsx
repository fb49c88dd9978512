"use client";

import Link from "next/link";
import { Badge } from "@/components/ui/badge";
import { Ago, At, Commit } from "@/components/ui/facts";
import { duration } from "@/lib/format";
import { useNow } from "@/lib/live";
import { hrefs } from "@/lib/routes";
import { deploymentTone, operationTone, words } from "@/lib/tones";
import { lasted, operationWords, running, type Entry } from "./entries";

const grid = "md:grid md:items-center md:gap-x-4 md:px-4";
const columns = "md:grid-cols-[5.5rem_minmax(0,1fr)_9.5rem_6rem_7rem]";
const columnsWithSandbox = "md:grid-cols-[5.5rem_minmax(0,10rem)_minmax(0,1fr)_9.5rem_6rem_7rem]";

/** HistoryRows lists deployments and operations, one line each; on a phone one card each. */
export function HistoryRows({ entries, showSandbox, label }: { entries: Entry[]; showSandbox?: boolean; label: string }) {
  const now = useNow(1000);
  const shape = `${grid} ${showSandbox ? columnsWithSandbox : columns}`;
  return (
    <>
      <div aria-hidden className={`hidden border-b py-2 text-xs font-medium text-ink-3 ${shape}`}>
        <span>When</span>{showSandbox && <span>Sandbox</span>}<span>What</span><span>State</span><span className="text-right">Took</span><span>By</span>
      </div>
      <ul aria-label={label} className="divide-y">
        {entries.map((e) => <Row key={e.it.id} entry={e} now={now} showSandbox={showSandbox} shape={shape} />)}
      </ul>
    </>
  );
}

function Row({ entry: e, now, showSandbox, shape }: { entry: Entry; now: number; showSandbox?: boolean; shape: string }) {
  const took = lasted(e, now);
  const { failure } = e.it;
  const waiting = running(e) ? e.it.waitingFor : undefined;
  return (
    <li className={`relative flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 hover:bg-sunken/60 ${shape}`}>
      <span className="order-4 text-xs text-ink-3 md:order-none md:text-sm md:text-ink-2"><span className="hidden md:inline"><At at={e.it.createdAt} /></span><span className="md:hidden"><Ago at={e.it.createdAt} /></span></span>
      {showSandbox && <Link href={hrefs.sandbox(e.it.sandbox)} className="relative z-10 order-3 truncate text-xs text-accent-text underline-offset-2 hover:underline md:order-none md:text-sm">{e.it.sandbox}</Link>}
      <span className="order-1 min-w-0 flex-1 basis-full sm:basis-0 md:order-none">
        <Link href={e.of === "deployment" ? hrefs.deployment(e.it.id) : hrefs.operation(e.it.id)} className="font-medium after:absolute after:inset-0 after:content-['']">
          {e.of === "deployment" ? <>{e.it.service} deployed</> : operationWords(e.it)}
        </Link>
        {e.of === "deployment" && <Commit className="ml-2 text-ink-2" branch={e.it.branch} sha={e.it.sha} />}
        {failure && <span className="block text-xs text-bad-text"><span className="font-mono">{failure.code}</span>{failure.step && ` in ${failure.step}`}: <span className="break-words">{short(failure.detail)}</span></span>}
        {waiting && <span className="block text-xs text-warn-text">waits: {waiting}</span>}
      </span>
      <span className="order-2 md:order-none"><Badge tone={e.of === "deployment" ? deploymentTone(e.it.state) : operationTone(e.it.state)} dot={running(e)}>{words(e.it.state)}</Badge></span>
      <span className="order-5 text-xs text-ink-2 tabular-nums md:order-none md:text-right md:text-sm">{took === undefined ? "" : duration(running(e) ? Math.floor(took / 1000) * 1000 : took)}</span>
      <span className="order-6 truncate text-xs text-ink-2 md:order-none md:text-sm">{e.it.requestedBy}</span>
    </li>
  );
}

function short(text: string): string {
  const line = text.split("\n", 1)[0] ?? "";
  return line.length > 160 ? line.slice(0, 159) + "…" : line;
}
