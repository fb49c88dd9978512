import type { Schemas } from "@/lib/api";

type Hop = Schemas["Hop"];

/** PlacedHop is a hop with its place in the tree of who asked whom and in the trace's time. */
export interface PlacedHop {
  hop: Hop;
  number: number;
  depth: number;
  /** Start and length in percent of the whole trace. */
  start: number;
  length: number;
}

/** placeHops finds each hop's depth, by the newest hop before it that asked for its caller, and its bar. */
export function placeHops(hops: Hop[]): { placed: PlacedHop[]; millis: number } {
  const begin = Math.min(...hops.map((h) => h.startedAt));
  const end = Math.max(...hops.map((h) => h.startedAt + h.millis * 1000));
  const whole = Math.max(1, end - begin);
  const depths = new Map<string, number>();
  const placed = hops.map((hop, i) => {
    const caller = depths.get(hop.from);
    const depth = caller === undefined ? 0 : caller + 1;
    depths.set(hop.service, depth);
    const start = Math.min(99, (100 * (hop.startedAt - begin)) / whole);
    return { hop, number: i + 1, depth, start, length: Math.max(1, Math.min(100 - start, (100_000 * hop.millis) / whole)) };
  });
  return { placed, millis: hops.length > 0 ? (end - begin) / 1000 : 0 };
}
