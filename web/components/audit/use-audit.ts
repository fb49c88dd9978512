"use client";

import { useCallback, useEffect, useRef, useState } from "react";
import { api, ok, type Schemas } from "@/lib/api";
import { useAction, useResource } from "@/lib/live";
import { useQuery } from "@/lib/use-query";
import { outcomes, ranges } from "./words";

export type AuditEvent = Schemas["AuditEvent"];

const names = ["text", "user", "action", "sandbox", "service", "outcome", "range", "since", "until"] as const;
export type FilterName = (typeof names)[number];
export type Filter = Record<FilterName, string>;

/**
 * useFilter keeps the filter in the address. Within another page, which has a query of its own, its names begin with
 * "audit-".
 */
export function useFilter(prefix: string) {
  const { values, set } = useQuery(...names.map((n) => prefix + n));
  const filter = Object.fromEntries(names.map((n) => [n, values[prefix + n]])) as Filter;
  const change = (changes: Partial<Filter>) => set(Object.fromEntries(Object.entries(changes).map(([n, v]) => [prefix + n, v])));
  const clear = () => change(Object.fromEntries(names.map((n) => [n, ""])));
  return { filter, change, clear, active: names.filter((n) => filter[n]).length - (filter.range === "custom" ? 1 : 0) };
}

/** queryOf is what the API is asked for; ranges that move with the clock are counted from now. */
export function queryOf(f: Filter, now = Date.now()) {
  const iso = (local: string) => (local && !Number.isNaN(Date.parse(local)) ? new Date(local).toISOString() : undefined);
  const range = ranges[f.range];
  const custom = f.range === "custom";
  const outcome = outcomes.find((o) => o === f.outcome);
  const query = {
    text: f.text,
    user: f.user,
    action: f.action,
    sandbox: f.sandbox,
    service: f.service,
    outcome,
    since: range ? new Date(now - range.hours * 3_600_000).toISOString() : custom ? iso(f.since) : undefined,
    until: custom ? iso(f.until) : undefined,
  };
  return Object.fromEntries(Object.entries(query).filter(([, v]) => v)) as Partial<typeof query>;
}

/** csvHref is where the same events are as a file. */
export function csvHref(f: Filter): string {
  const query = new URLSearchParams(queryOf(f) as Record<string, string>).toString();
  return "/api/v1/audit.csv" + (query ? "?" + query : "");
}

interface Read {
  key: string;
  items: AuditEvent[];
  next?: string;
}

const page = 50;

/** useAudit reads the newest events of a filter, more of the older ones on demand, and new ones as they come. */
export function useAudit(f: Filter) {
  const key = JSON.stringify(f);
  const known = useRef<Read>(undefined);
  const read = useCallback(
    (cursor: string | undefined, signal?: AbortSignal) =>
      ok(api.GET("/api/v1/audit", { params: { query: { ...queryOf(f), limit: page, cursor } }, signal })),
    [f],
  );

  const events = useResource<Read>(
    `audit ${key}`,
    async (signal) => {
      const first = await read(undefined, signal);
      const items = first.items ?? [];
      const before = known.current;
      const last = items.at(-1)?.id ?? 0;
      // What was read before stays below the new first page, as long as the two meet.
      if (before?.key === key && before.items.some((e) => e.id === last)) {
        return { key, items: [...items, ...before.items.filter((e) => e.id < last)], next: before.next };
      }
      return { key, items, next: first.next };
    },
    (e) => e.topic === "audit" && (!f.sandbox || e.id === f.sandbox),
  );

  useEffect(() => {
    known.current = events.data;
  }, [events.data]);

  const more = useAction(async () => {
    const answer = await read(events.data?.next);
    const now = known.current;
    if (now?.key === key) events.set({ key, items: [...now.items, ...(answer.items ?? [])], next: answer.next });
  });
  return { events, more };
}

/** useTyped is a value that follows another when it has rested for a moment. */
export function useTyped(value: string, change: (value: string) => void, rest = 300) {
  const [typed, setTyped] = useState(value);
  const [seen, setSeen] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  if (seen !== value) {
    // changed from elsewhere: Back, a link, Clear
    setSeen(value);
    setTyped(value);
  }
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = (next: string) => {
    setTyped(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      setSeen(next.trim());
      change(next.trim());
    }, rest);
  };
  return [typed, type] as const;
}
