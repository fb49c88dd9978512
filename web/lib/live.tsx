"use client";

import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { ApiError, asProblem, type Problem, type Schemas } from "./api";
import { useSocket, type SocketState } from "./use-socket";

type Event = Schemas["Event"];
type Listener = (e: Event) => void;

interface Live {
  state: SocketState;
  listen: (l: Listener) => () => void;
}

const LiveContext = createContext<Live>({ state: "connecting", listen: () => () => {} });

/**
 * LiveProvider follows the server's events once for the whole page. Once the connection is there everybody reads anew, the
 * first time too: nobody was told of what has changed since the page read it.
 */
export function LiveProvider({ children }: { children: ReactNode }) {
  const listeners = useRef(new Set<Listener>());
  const publish = useCallback((e: Event) => listeners.current.forEach((l) => l(e)), []);
  const state = useSocket<Event>(eventsAddress, publish);
  useEffect(() => {
    if (state === "open") publish({ topic: "resync" });
  }, [state, publish]);
  const listen = useCallback((l: Listener) => {
    listeners.current.add(l);
    return () => void listeners.current.delete(l);
  }, []);
  const live = useMemo(() => ({ state, listen }), [state, listen]);
  return <LiveContext value={live}>{children}</LiveContext>;
}

const eventsAddress = () => "/api/v1/events";

/** useLiveState says how the connection to the server is. */
export function useLiveState(): SocketState {
  return useContext(LiveContext).state;
}

/** useEvents calls back on every event that concerns; topic "resync" means that some may have been missed. */
export function useEvents(listener: Listener) {
  const { listen } = useContext(LiveContext);
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => listen((e) => latest.current(e)), [listen]);
}

export interface Resource<T> {
  data: T | undefined;
  /** Why the newest attempt failed; data may still hold what an earlier one brought. */
  problem: Problem | undefined;
  loading: boolean;
  reload: () => Promise<void>;
  /** Replaces the data, for an answer that already says what the next read would. */
  set: (data: T) => void;
}

const pace = 400; // milliseconds between two reads that events ask for

/**
 * useResource reads something when it is first shown, whenever key changes, and whenever an event concerns it: many
 * events make one read. While the server is away the old data stay, with the problem beside them.
 *
 * @param key identifies what is read; null reads nothing
 */
export function useResource<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  concerns: (e: Event) => boolean = () => false,
): Resource<T> {
  const [state, setState] = useState<{ key: string | null; data?: T; problem?: Problem; loading: boolean }>({
    key,
    loading: key !== null,
  });
  const latest = useRef({ load, concerns });
  useEffect(() => {
    latest.current = { load, concerns };
  });
  const abort = useRef<AbortController>(undefined);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  const reload = useCallback(async () => {
    if (key === null) return;
    abort.current?.abort();
    const mine = new AbortController();
    abort.current = mine;
    try {
      const data = await latest.current.load(mine.signal);
      if (!mine.signal.aborted) setState({ key, data, loading: false });
    } catch (e) {
      if (mine.signal.aborted) return;
      setState((s) => ({ key, data: s.key === key ? s.data : undefined, problem: asProblem(e), loading: false }));
      // What the server cannot be asked now is asked again; what it refuses is not.
      if (e instanceof ApiError && (e.status === 0 || e.status >= 500)) timer.current ??= later(timer, reloadRef, 3000);
    }
  }, [key]);
  const reloadRef = useRef(reload);
  useEffect(() => {
    reloadRef.current = reload;
  }, [reload]);

  useEffect(() => {
    void reload();
    return () => {
      abort.current?.abort();
      clearTimeout(timer.current);
      timer.current = undefined;
    };
  }, [reload]);
  useEvents((e) => {
    if (e.topic === "resync" || latest.current.concerns(e)) timer.current ??= later(timer, reloadRef, pace);
  });

  const set = useCallback((data: T) => setState({ key, data, loading: false }), [key]);
  const current = state.key === key ? state : { data: undefined, problem: undefined, loading: key !== null };
  return { data: current.data, problem: current.problem, loading: current.loading, reload, set };
}

function later(
  timer: { current: ReturnType<typeof setTimeout> | undefined },
  reload: { current: () => Promise<void> },
  delay: number,
) {
  return setTimeout(() => {
    timer.current = undefined;
    void reload.current();
  }, delay);
}

/** useNow returns the time, anew every so many milliseconds: for ages and clocks that run. */
export function useNow(every = 1000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const t = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(t);
  }, [every]);
  return now;
}

/** useAction runs something that can fail once at a time, and keeps the problem to show. */
export function useAction<A extends unknown[]>(run: (...args: A) => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const act = async (...args: A) => {
    if (busy) return;
    setBusy(true);
    setProblem(undefined);
    try {
      await run(...args);
    } catch (e) {
      setProblem(asProblem(e));
    } finally {
      setBusy(false);
    }
  };
  return { act, busy, problem, clear: () => setProblem(undefined) };
}
