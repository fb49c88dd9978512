"use client";

import { useCallback, useState, useSyncExternalStore } from "react";
import { LogStore, nothing, type Frame } from "@/lib/log-store";
import { useSocket } from "@/lib/use-socket";

const empty = () => nothing;

/** useLog follows a log: after a lost connection it goes on at the byte where it stopped. */
export function useLog(stream: string) {
  const [store] = useState(() => new LogStore((run) => requestAnimationFrame(run)));
  const address = useCallback(() => `${stream}?offset=${store.offset}`, [stream, store]);
  const take = useCallback((frame: Frame) => store.append(frame), [store]);
  const connection = useSocket<Frame>(address, take);
  const log = useSyncExternalStore(store.subscribe, store.getSnapshot, empty);
  return { store, log, connection };
}
