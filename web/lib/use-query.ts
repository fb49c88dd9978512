"use client";

import { useSearchParams } from "next/navigation";
import { useCallback } from "react";

/**
 * useQuery keeps named values in the page's address, so that a link or a reload shows the same. An empty value is left
 * out. A change replaces the entry of the history unless push is said, so that Back leads to the page before.
 *
 * A page that uses it stands below a Suspense boundary (the shell has one): a static export knows no query.
 */
export function useQuery<K extends string>(...names: K[]) {
  const params = useSearchParams();
  const values = Object.fromEntries(names.map((n) => [n, params.get(n) ?? ""])) as Record<K, string>;
  const set = useCallback((changes: Partial<Record<K, string>>, push = false) => {
    const next = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes) as [string, string | undefined][]) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    const query = next.toString();
    const url = location.pathname + (query ? "?" + query : "") + location.hash;
    if (push) history.pushState(null, "", url);
    else history.replaceState(null, "", url);
  }, []);
  return { values, set };
}
