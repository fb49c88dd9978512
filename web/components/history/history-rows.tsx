"use client";

import Link from "next/link";
import { SupersededBy } from "@/components/deployment/superseded";
import { outcome } from "@/components/deployment/words";
import { Badge } from "@/components/ui/badge";
import { Ago, At, Commit } from "@/components/ui/facts";
import { cn } from "@/lib/cn";
import { duration } from "@/lib/format";
import { useNow } from "@/lib/live";
import { hrefs } from "@/lib/routes";
import { deploymentTone, operationTone, words } from "@/lib/tones";
import { lasted, running, type Deployment, type Entry } from "./entries";

// As the list gets narrower, first the sandbox and who asked go below what happened, then each entry becomes a card.
const grid = "@2xl:grid @2xl:items-baseline @2xl:gap-x-4 @2xl:grid-cols-[5.5rem_minmax(0,1fr)_9rem_5rem]";
const columns = cn(
  grid,
  "@2xl:grid-rows-[auto_1fr] @2xl:[grid-template-areas:'when_what_state_took'_'when_what_by_by']",
  "@4xl:grid-cols-[5.5rem_minmax(0,1fr)_9.5rem_6rem_7rem] @4xl:grid-rows-none @4xl:[grid-template-areas:'when_what_state_took_by']",
);
const columnsWithSandbox = cn(
  grid,
  "@2xl:[grid-template-areas:'when_what_state_took'_'._box_by_by']",
  "@5xl:grid-cols-[5.5rem_minmax(0,10rem)_minmax(0,1fr)_9.5rem_6rem_7rem] @5xl:[grid-template-areas:'when_box_what_state_took_by']",
);

interface HistoryRowsProps {
  entries: Entry[];
  /** Deployments that run now, where entries may lack some of them. */
  serving?: Deployment[];
  showSandbox?: boolean;
  label: string;
}

/** HistoryRows lists deployments and operations, one line each. */
export function HistoryRows({ entries, serving = [], showSandbox, label }: HistoryRowsProps) {
  const now = useNow(1000);
  const known = [...serving, ...entries.flatMap((e) => (e.of === "deployment" ? [e.it] : []))];
  const shape = showSandbox ? columnsWithSandbox : columns;
  return (
    <div className="@container">
      <div aria-hidden className={`hidden border-b px-4 py-2 text-xs font-medium text-ink-3 ${shape}`}>
        <span className="[grid-area:when]">When</span>
        {showSandbox && <span className="[grid-area:box] @max-5xl:hidden">Sandbox</span>}
        <span className="[grid-area:what]">What</span>
        <span className="[grid-area:state]">State</span>
        <span className="text-right [grid-area:took]">Took</span>
        <span className={showSandbox ? "[grid-area:by] @max-5xl:hidden" : "[grid-area:by] @max-4xl:hidden"}>By</span>
      </div>
      <ul aria-label={label} className="divide-y">
        {entries.map((e) => (
          <Row key={e.it.id} entry={e} known={known} now={now} showSandbox={showSandbox} shape={shape} />
        ))}
      </ul>
    </div>
  );
}

interface RowProps {
  entry: Entry;
  known: Deployment[];
  now: number;
  showSandbox?: boolean;
  shape: string;
}

function Row({ entry: e, known, now, showSandbox, shape }: RowProps) {
  const took = lasted(e, now);
  const { failure } = e.it;
  const ended = e.of === "deployment" ? outcome(e.it, known) : undefined;
  const by = e.of === "deployment" ? e.it.supersededBy : undefined;
  const waiting = running(e) ? e.it.waitingFor : undefined;
  return (
    <li className={`relative flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 hover:bg-sunken/60 ${shape}`}>
      <span className="order-4 text-xs text-ink-3 [grid-area:when] @2xl:text-sm @2xl:text-ink-2">
        <span className="hidden @2xl:inline">
          <At at={e.it.createdAt} />
        </span>
        <span className="@2xl:hidden">
          <Ago at={e.it.createdAt} />
        </span>
      </span>
      {showSandbox && (
        <Link
          href={hrefs.sandbox(e.it.sandbox)}
          className="relative z-10 order-3 truncate justify-self-start text-xs text-accent-text underline-offset-2 [grid-area:box] hover:underline @5xl:max-w-full @5xl:text-sm"
        >
          {e.it.sandbox}
        </Link>
      )}
      <span className="order-1 min-w-0 flex-1 basis-full [grid-area:what] sm:basis-0">
        <Link
          href={e.of === "deployment" ? hrefs.deployment(e.it.id) : hrefs.operation(e.it.id)}
          className="font-medium after:absolute after:inset-0 after:content-['']"
        >
          {e.of === "deployment" ? <>{e.it.service} deployed</> : e.it.done}
        </Link>
        {e.of === "deployment" && <Commit className="ml-2 text-ink-2" branch={e.it.branch} sha={e.it.sha} />}
        {by ? (
          <span className="block text-xs text-ink-2">
            superseded by <SupersededBy by={by} className="relative z-10" />
          </span>
        ) : failure && e.it.state === "CANCELLED" ? (
          <span className="block text-xs break-words text-ink-2">{short(failure.detail)}</span>
        ) : (
          failure && (
            <span className="block text-xs text-bad-text">
              <span className="font-mono">{failure.code}</span>
              {failure.step && ` in ${failure.step}`}: <span className="break-words">{short(failure.detail)}</span>
            </span>
          )
        )}
        {waiting && <span className="block text-xs text-warn-text">waits: {waiting}</span>}
      </span>
      <span className="order-2 [grid-area:state]">
        {e.of === "deployment" ? (
          <Badge tone={deploymentTone(e.it.state)} title={ended?.title} dot={running(e)}>
            {ended?.word}
          </Badge>
        ) : (
          <Badge tone={operationTone(e.it.state)} dot={running(e)}>
            {words(e.it.state)}
          </Badge>
        )}
      </span>
      <span className="order-5 text-xs text-ink-2 tabular-nums [grid-area:took] @2xl:text-right @2xl:text-sm">
        {took === undefined ? "" : duration(running(e) ? Math.floor(took / 1000) * 1000 : took)}
      </span>
      <span className={cn("order-6 truncate text-xs text-ink-2 [grid-area:by]", showSandbox ? "@5xl:text-sm" : "@4xl:text-sm")}>
        {e.it.requestedBy}
      </span>
    </li>
  );
}

function short(text: string): string {
  const line = text.split("\n", 1)[0] ?? "";
  return line.length > 160 ? line.slice(0, 159) + "…" : line;
}
