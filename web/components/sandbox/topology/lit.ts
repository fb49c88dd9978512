import type { Schemas } from "@/lib/api";

/** Lit is the road of a traced request through the picture. */
export interface Lit {
  /** Numbers of the hops that asked for a service, from 1. */
  numbers: Map<string, number[]>;
  /** Services the entry asked. */
  reached: Set<string>;
  /** Pairs of services, one of which asked the other. */
  between: { from: string; to: string }[];
  failed: Set<string>;
}

/** litBy finds the lines a trace went along. entry is the gateway, absent where the router itself chooses by path. */
export function litBy(trace: Schemas["Trace"] | undefined, entry: string | undefined): Lit | undefined {
  if (!trace) return undefined;
  const lit: Lit = { numbers: new Map(), reached: new Set(), between: [], failed: new Set() };
  trace.hops.forEach((hop, i) => {
    lit.numbers.set(hop.service, [...(lit.numbers.get(hop.service) ?? []), i + 1]);
    if (hop.status >= 500 || hop.status === 0) lit.failed.add(hop.service);
    if (hop.service === entry) return;
    if (hop.from === "client" || hop.from === entry) lit.reached.add(hop.service);
    else if (!lit.between.some((b) => b.from === hop.from && b.to === hop.service))
      lit.between.push({ from: hop.from, to: hop.service });
  });
  return lit;
}
