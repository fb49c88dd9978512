"use client";

import { Download, ScrollText, SearchX } from "lucide-react";
import { useMemo } from "react";
import { Button } from "@/components/ui/button";
import { Empty, Skeleton } from "@/components/ui/empty";
import { ProblemBox } from "@/components/ui/problem";
import { time } from "@/lib/format";
import { useNow } from "@/lib/live";
import { Filters } from "./filters";
import { Row } from "./row";
import { csvHref, useAudit, useFilter, type AuditEvent } from "./use-audit";

/**
 * AuditList shows who did what, newest first, as it happens: of one sandbox, or of all. The filter is in the address.
 */
export function AuditList({ sandbox }: { sandbox?: string }) {
  const { filter: own, change, clear, active } = useFilter(sandbox ? "audit-" : "");
  // One object as long as nothing in it changes: it is what is read by.
  const key = JSON.stringify(sandbox ? { ...own, sandbox } : own);
  const filter = useMemo(() => JSON.parse(key) as typeof own, [key]);
  const { events, more } = useAudit(filter);
  const items = events.data?.items ?? [];
  const seen = (of: (e: AuditEvent) => string | undefined) =>
    [...new Set(items.map(of).filter((v) => v !== undefined && v !== ""))].toSorted() as string[];
  return (
    <>
      <Filters
        filter={own}
        change={change}
        clear={clear}
        active={active}
        hideSandbox={!!sandbox}
        extra={
          <a
            href={csvHref(filter)}
            download="sdp-audit.csv"
            title="All events that match, as a file"
            className="inline-flex h-9 items-center gap-2 rounded-md border bg-surface px-3.5 font-medium whitespace-nowrap hover:bg-sunken"
          >
            <Download aria-hidden className="size-4" /> Export CSV
          </a>
        }
        known={{ user: seen((e) => e.user), sandbox: seen((e) => e.sandbox), service: seen((e) => e.service) }}
      />
      <ProblemBox problem={events.problem} className="mb-4" />
      {events.loading && <Skeleton lines={8} />}
      {events.data &&
        items.length === 0 &&
        (active > 0 ? (
          <Empty icon={SearchX} title="Nothing matches" action={<Button onClick={clear}>Clear the filter</Button>}>
            No event has all that the filter asks for.
          </Empty>
        ) : (
          <Empty icon={ScrollText} title="Nothing happened yet">
            Everything anybody does from now on is listed here: who, what, when, and how it ended. Refused and failed attempts
            too.
          </Empty>
        ))}
      {items.length > 0 && (
        <>
          <Days items={items} hideSandbox={!!sandbox} />
          <div className="mt-3 flex flex-wrap items-center justify-between gap-3 text-ink-3">
            <p>{events.data?.next ? `The newest ${items.length} events` : `All ${items.length} events`}</p>
            {events.data?.next && (
              <Button busy={more.busy} onClick={() => void more.act()}>
                Load more
              </Button>
            )}
          </div>
          <ProblemBox problem={more.problem} className="mt-3" />
        </>
      )}
    </>
  );
}

/** Days groups events by the day they happened on, so that each row needs only a time. */
function Days({ items, hideSandbox }: { items: AuditEvent[]; hideSandbox: boolean }) {
  const now = useNow(60_000);
  const days = new Map<string, AuditEvent[]>();
  for (const e of items) {
    const day = new Date(time(e.at) ?? 0).toDateString();
    days.set(day, [...(days.get(day) ?? []), e]);
  }
  return (
    <div className="space-y-4">
      {[...days].map(([day, of]) => (
        <section key={day} aria-label={dayWords(day, now)}>
          <h2 className="mb-1.5 text-xs font-semibold text-ink-3">{dayWords(day, now)}</h2>
          <ul className="@container divide-y overflow-hidden rounded-xl border bg-surface">
            {of.map((e) => (
              <Row key={e.id} event={e} hideSandbox={hideSandbox} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function dayWords(day: string, now: number) {
  const then = new Date(day);
  const days = Math.round((new Date(now).setHours(0, 0, 0, 0) - then.getTime()) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return then.toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" });
}
