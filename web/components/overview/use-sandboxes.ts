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

/** Known holds each sandbox with its text, which tells cheaply whether a new answer says anything new. */
type Known = Map<string, { item: Sandbox; text: string }>;

// Who comes back to the overview sees at once what it showed last. Signing out loads a new page, which forgets it.
const remembered: Known = new Map();

const itemsOf = (known: Known) => Array.from(known.values(), (k) => k.item);

/** learn takes one answer and reports whether it changes what is known; undefined means that it is gone. */
function learn(known: Known, name: string, item: Sandbox | undefined): boolean {
  if (!item) return known.delete(name);
  const text = JSON.stringify(item);
  if (known.get(name)?.text === text) return false;
  known.set(name, { item, text });
  return true;
}

/**
 * useSandboxes reads all sandboxes once and then only those that events name: some one by one, many by one read of the
 * list. One read runs at a time, so an old answer never covers a newer one.
 */
export function useSandboxes(): Sandboxes {
  const [state, setState] = useState<Omit<Sandboxes, "reload">>(() => ({
    items: itemsOf(remembered),
    problem: undefined,
    loading: remembered.size === 0,
  }));
  const wanted = useRef({ all: true, names: new Set<string>() });
  const wake = useRef<() => void>(() => {});

  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let running = false;
    let listedAt = -Infinity;
    let untold = false; // a read that failed half-way has learnt something

    const schedule = (delay: number) => {
      if (timer !== undefined || running || abort.signal.aborted) return;
      timer = setTimeout(() => {
        timer = undefined;
        void run();
      }, delay);
    };
    wake.current = () => schedule(pace);

    const publish = (changed: boolean) =>
      startTransition(() =>
        setState((s) => {
          if (!changed && !s.loading && !s.problem) return s;
          return { items: changed ? itemsOf(remembered) : s.items, problem: undefined, loading: false };
        }),
      );
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
        const whole = all || names.size > fewReads;
        if (whole) listedAt = Date.now();
        const changed = whole
          ? await readList(remembered, abort.signal, publish)
          : await readSome(remembered, names, abort.signal);
        publish(changed || untold);
        untold = false;
      } catch (e) {
        if (abort.signal.aborted) return;
        names.forEach((n) => wanted.current.names.add(n));
        wanted.current.all ||= all || names.size > fewReads;
        listedAt = -Infinity;
        untold = true;
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

const chunk = 40; // sandboxes looked at between two keys that are pressed

/** readList reads all. The first time each page is shown as it comes. */
async function readList(known: Known, signal: AbortSignal, show: (changed: boolean) => void): Promise<boolean> {
  const first = known.size === 0;
  const names = new Set<string>();
  let changed = false;
  let cursor: string | undefined;
  do {
    const page = await ok(api.GET("/api/v1/sandboxes", { signal, params: { query: { limit: 200, cursor } } }));
    const items = page.items ?? [];
    for (let i = 0; i < items.length; i += chunk) {
      for (const item of items.slice(i, i + chunk)) {
        names.add(item.name);
        changed = learn(known, item.name, item) || changed;
      }
      await breath();
    }
    cursor = page.next;
    if (first && cursor) show(true);
  } while (cursor);
  for (const name of [...known.keys()]) if (!names.has(name)) changed = learn(known, name, undefined) || changed;
  return changed;
}

/** breath lets the browser answer to keys and paint. */
function breath() {
  return new Promise<void>((done) => setTimeout(done, 0));
}

async function readSome(known: Known, names: Set<string>, signal: AbortSignal): Promise<boolean> {
  const changed = await Promise.all(
    [...names].map(async (name) => {
      try {
        const sandbox = await ok(api.GET("/api/v1/sandboxes/{name}", { signal, params: { path: { name } } }));
        return learn(known, name, sandbox.state === "DELETED" ? undefined : sandbox);
      } catch (e) {
        if (e instanceof ApiError && e.status === 404) return learn(known, name, undefined);
        throw e;
      }
    }),
  );
  return changed.includes(true);
}
