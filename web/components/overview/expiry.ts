import { time } from "@/lib/format";
import type { Sandbox } from "./use-sandboxes";

const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** span reads a duration as Go writes it ("72h", "1h30m0s"), in milliseconds; undefined if it is none. */
export function span(text: string | undefined): number | undefined {
  if (!text || !/^(\d+(\.\d+)?(ms|h|m|s))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, n, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)) sum += Number(n) * units[unit!]!;
  return sum;
}

/** long says a duration roughly: "3 days", "5 h", "20 min". */
export function long(ms: number): string {
  if (ms >= 2 * 86_400_000) return `${Math.floor(ms / 86_400_000)} days`;
  if (ms >= 3_600_000) return `${Math.floor(ms / 3_600_000)} h`;
  return `${Math.max(1, Math.floor(ms / 60_000))} min`;
}

/** expiryOf says what becomes of a sandbox that nobody uses, "" if nothing does. */
export function expiryOf(s: Sandbox, now: number): string {
  const remove = span(s.expiry?.deleteAfter);
  if (s.state !== "ACTIVE") return remove ? `Deleted ${long(remove)} after it was suspended` : "";
  const idle = span(s.expiry?.idleAfter);
  if (!idle) return "";
  const left = Math.max(time(s.lastActivity) ?? 0, time(s.createdAt) ?? 0) + idle - now;
  return left > 0 ? `Suspended in ${long(left)} unless used` : "Suspended soon unless used";
}
