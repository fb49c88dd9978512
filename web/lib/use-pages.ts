"use client";

import { useRef, useState } from "react";
import type { Problem, Schemas } from "./api";
import { useResource } from "./live";

interface Page<T> {
  items: T[] | null;
  next?: string;
}

export interface Pages<T> {
  items: T[] | undefined;
  problem: Problem | undefined;
  reload: () => Promise<void>;
  /** Reads one page more; absent when there is none. */
  more: (() => void) | undefined;
  loadingMore: boolean;
}

/** usePages is useResource for a list in pages: it begins with one and reads as many anew as are shown. */
export function usePages<T>(
  key: string,
  load: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>,
  concerns: (e: Schemas["Event"]) => boolean = () => false,
): Pages<T> {
  const wanted = useRef({ key, pages: 1 });
  const [loadingMore, setLoadingMore] = useState(false);
  const { data, problem, reload } = useResource(
    key,
    async (signal) => {
      const items: T[] = [];
      let cursor: string | undefined;
      const pages = wanted.current.key === key ? wanted.current.pages : 1;
      for (let i = 0; i < pages; i++) {
        const page = await load(cursor, signal);
        items.push(...(page.items ?? []));
        cursor = page.next;
        if (!cursor) break;
      }
      return { items, next: cursor };
    },
    concerns,
  );
  const more = () => {
    wanted.current = { key, pages: (wanted.current.key === key ? wanted.current.pages : 1) + 1 };
    setLoadingMore(true);
    void reload().finally(() => setLoadingMore(false));
  };
  return { items: data?.items, problem, reload, more: data?.next ? more : undefined, loadingMore };
}
