"use client";

import { startTransition, useCallback, useEffect, useRef, useState } from "react";
import { ApiError, api, asProblem, ok, type Problem, type Schemas } from "@/lib/api";
import { useEvents } from "@/lib/live";

export type Sandbox = Schemas["Sandbox"];

const pace = 500; // milliseconds from the first event to the reads it asks for
const fewReads = 6; // sandboxes that are read one by one; of more, the whole list is read
const listPause = 4000; // milliseconds between two reads of the whole list that events ask for
const listEvery = 60_000; // milliseconds: requests and heartbeats move times that no event announces
const retry = 3000; // milliseconds after a failed read

/** What is known of all sandboxes. An item that did not change keeps its identity, so that its card is not drawn anew. */
export interface Sandboxes {
  items: Sandbox[];
  problem: Problem | undefined;
  /** Nothing has been read yet. */
  loading: boolean;
  reload: () => void;
}

/** patched replaces what differs and drops what is gone; it returns the same array if nothing did. */
export function patched(items: Sandbox[], news: Map<string, Sandbox | undefined>): Sandbox[] {
  let differs = false;
  const next = items.flatMap((old) => {
    if (!news.has(old.name)) return [old];
    const now = news.get(old.name);
    if (now && JSON.stringify(now) === JSON.stringify(old)) return [old];
    differs = true;
    return now ? [now] : [];
  });
  const known = new Set(items.map((i) => i.name));
  for (const [name, now] of news) {
    if (!now || known.has(name)) continue;
    differs = true;
    next.push(now);
  }
  return differs ? next : items;
}

/**
 * useSandboxes reads all sandboxes once and then only those that events name: some one by one, many by one read of the
 * list. One read runs at a time, so an old answer never covers a newer one.
 */
export function useSandboxes(): Sandboxes {
  const [state, setState] = useState<Omit<Sandboxes, "reload">>({ items: [], problem: undefined, loading: true });
  const wanted = useRef({ all: true, names: new Set<string>() });
  const wake = useRef<() => void>(() => {});

  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let running = false;
    let listedAt = -Infinity;

    const schedule = (delay: number) => {
      if (timer !== undefined || running || abort.signal.aborted) return;
      timer = setTimeout(() => {
        timer = undefined;
        void run();
      }, delay);
    };
    wake.current = () => schedule(pace);

    const run = async () => {
      const { all, names } = wanted.current;
      if (!all && names.size === 0) return;
      if (all || names.size > fewReads) {
        const rest = listedAt + listPause - Date.now();
        if (rest > 0) {
          schedule(rest);
          return;
        }
      }
      running = true;
      wanted.current = { all: false, names: new Set() };
      let delay = pace;
      try {
        if (all || names.size > fewReads) {
          listedAt = Date.now();
          await readList(abort.signal, (items, last) => startTransition(() => setState((s) => ({ items: listed(s.items, items, last), problem: undefined, loading: false }))));
        } else {
          const news = await readSome(names, abort.signal);
          startTransition(() => setState((s) => {
            const items = patched(s.items, news);
            return items === s.items && !s.problem ? s : { ...s, items, problem: undefined };
          }));
        }
      } catch (e) {
        if (abort.signal.aborted) return;
        names.forEach((n) => wanted.current.names.add(n));
        wanted.current.all ||= all || names.size > fewReads;
        listedAt = -Infinity;
        delay = retry;
        setState((s) => ({ ...s, problem: asProblem(e), loading: false }));
      }
      running = false;
      if (wanted.current.all || wanted.current.names.size > 0) schedule(delay);
    };

    wanted.current.all = true;
    schedule(0);
    const regularly = setInterval(() => {
      if (document.visibilityState !== "visible") return;
      wanted.current.all = true;
      wake.current();
    }, listEvery);
    return () => {
      abort.abort();
      clearTimeout(timer);
      clearInterval(regularly);
    };
  }, []);

  useEvents((e) => {
    const name = e.sandbox || (e.topic.startsWith("sandbox/") ? e.topic.slice("sandbox/".length) : "");
    if (name) wanted.current.names.add(name);
    else if (e.topic === "resync" || e.topic === "nodes") wanted.current.all = true;
    else return;
    wake.current();
  });

  const reload = useCallback(() => {
    wanted.current.all = true;
    wake.current();
  }, []);
  return { ...state, reload };
}

/** listed merges a read of the list into what is known: of a part of it nothing is known to be gone. */
function listed(old: Sandbox[], read: Sandbox[], whole: boolean): Sandbox[] {
  const news = new Map<string, Sandbox | undefined>(read.map((s) => [s.name, s]));
  if (whole) for (const s of old) if (!news.has(s.name)) news.set(s.name, undefined);
  return patched(old, news);
}

/** readList shows each page as it comes, with all that came before it. */
async function readList(signal: AbortSignal, show: (items: Sandbox[], last: boolean) => void) {
  const items: Sandbox[] = [];
  let cursor: string | undefined;
  do {
    const page = await ok(api.GET("/api/v1/sandboxes", { signal, params: { query: { limit: 200, cursor } } }));
    items.push(...(page.items ?? []));
    cursor = page.next;
    show(items.slice(), !cursor);
  } while (cursor);
}

async function readSome(names: Set<string>, signal: AbortSignal) {
  const read = await Promise.all([...names].map(async (name): Promise<[string, Sandbox | undefined]> => {
    try {
      const sandbox = await ok(api.GET("/api/v1/sandboxes/{name}", { signal, params: { path: { name } } }));
      return [name, sandbox.state === "DELETED" ? undefined : sandbox];
    } catch (e) {
      if (e instanceof ApiError && e.status === 404) return [name, undefined];
      throw e;
    }
  }));
  return new Map(read);
}
