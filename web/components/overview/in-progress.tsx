"use client";

import { CircleCheck, LoaderCircle } from "lucide-react";
import Link from "next/link";
import { useMemo } from "react";
import { api, ok, type Schemas } from "@/lib/api";
import { duration, time } from "@/lib/format";
import { useNow, useResource } from "@/lib/live";
import { hrefs } from "@/lib/routes";
import { words } from "@/lib/tones";
import type { Sandbox } from "./use-sandboxes";

const most = 6; // lines that are shown of what is under way

interface Work {
  id: string;
  href: string;
  what: string;
  where: string;
  step: string;
  /** Behind what it waits; "" while it runs. */
  waits: string;
  since: string;
}

/** InProgress lists what is being done right now, the oldest first: what hangs is on top. */
export function InProgress({ sandboxes }: { sandboxes: Sandbox[] }) {
  const operations = useResource(
    "operations/active",
    (signal) => ok(api.GET("/api/v1/operations", { signal, params: { query: { active: true, limit: 50 } } })),
    (e) => e.topic.startsWith("sandbox/"),
  );
  const changes = operations.data?.items;
  const works = useMemo(
    () => [...deployments(sandboxes), ...(changes ?? []).map(change)].sort((a, b) => (time(a.since) ?? 0) - (time(b.since) ?? 0)),
    [sandboxes, changes],
  );
  return (
    <section aria-label="In progress" className="min-w-0 self-start rounded-xl border bg-surface">
      <header className="flex min-h-11 items-center justify-between gap-2 px-4">
        <h2 className="text-sm font-semibold">In progress</h2>
        {works.length > 0 && (
          <span className="rounded-full bg-info-soft px-2 py-0.5 text-xs font-medium text-info-text tabular-nums">
            {works.length}
          </span>
        )}
        {works.length === 0 && (
          <span className="flex items-center gap-1.5 text-xs text-ink-3">
            <CircleCheck aria-hidden className="size-3.5 text-ok" /> nothing right now
          </span>
        )}
      </header>
      {works.length > 0 && (
        <ul className="divide-y border-t">
          {works.slice(0, most).map((w) => (
            <WorkLine key={w.id} work={w} />
          ))}
          {works.length > most && <li className="px-4 py-2 text-xs text-ink-3">and {works.length - most} more</li>}
        </ul>
      )}
    </section>
  );
}

function change(o: Schemas["Operation"]): Work {
  return {
    id: o.id,
    href: hrefs.operation(o.id),
    what: o.doing,
    where: o.sandbox,
    step: words(o.state),
    waits: o.state === "QUEUED" ? (o.waitingFor ?? "") : "",
    since: o.createdAt,
  };
}

function WorkLine({ work: w }: { work: Work }) {
  return (
    <li className="relative px-4 py-2 hover:bg-sunken/60">
      <p className="flex items-center justify-between gap-2">
        <Link
          href={w.href}
          prefetch={false}
          className="truncate text-[0.8125rem] font-medium after:absolute after:inset-0"
          title={w.what}
        >
          {w.what}
        </Link>
        <Elapsed since={w.since} />
      </p>
      <p className="flex items-center gap-1.5 text-xs text-ink-3">
        {!w.waits && <LoaderCircle aria-hidden className="size-3 shrink-0 animate-spin text-info" />}
        <span className="truncate" title={w.waits}>
          <span className="text-info-text">{w.step}</span> in {w.where}
          {w.waits && <>: {w.waits}</>}
        </span>
      </p>
    </li>
  );
}

function Elapsed({ since }: { since: string }) {
  const now = useNow(1000);
  return (
    <span className="shrink-0 text-xs text-ink-3 tabular-nums">
      {duration(Math.max(0, Math.floor((now - (time(since) ?? now)) / 1000) * 1000))
        .replace(".0 s", " s")
        .replace("0 ms", "0 s")}
    </span>
  );
}

/** deployments are those of the sandboxes that run: the list of sandboxes has them, so nothing has to be asked. */
function deployments(sandboxes: Sandbox[]): Work[] {
  return sandboxes.flatMap((s) =>
    s.services.flatMap((v) => {
      const d = v.latest;
      if (!d || d.settled) return [];
      const running = d.steps?.find((p) => p.state === "running")?.name;
      return [
        {
          id: d.id,
          href: hrefs.deployment(d.id),
          what: `${v.name} ${d.branch ?? ""}`,
          where: s.name,
          step: d.state === "QUEUED" ? "queued" : (running ?? words(d.state)),
          waits: d.cancelling ? "" : (d.waitingFor ?? ""),
          since: d.startedAt ?? d.createdAt,
        },
      ];
    }),
  );
}
