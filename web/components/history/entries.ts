import type { Schemas } from "@/lib/api";
import { time } from "@/lib/format";

export type Deployment = Schemas["Deployment"];
export type Operation = Schemas["Operation"];

/** An Entry of the history is a deployment or an operation. */
export type Entry = { of: "deployment"; at: number; it: Deployment } | { of: "operation"; at: number; it: Operation };

export const deploymentEntry = (it: Deployment): Entry => ({ of: "deployment", at: time(it.createdAt) ?? 0, it });
export const operationEntry = (it: Operation): Entry => ({ of: "operation", at: time(it.createdAt) ?? 0, it });

/**
 * merged joins two lists, newest first. A list with further pages hides what is older than its last entry, since
 * something of its next page may belong between.
 */
export function merged(...lists: { entries: Entry[]; more: boolean }[]): Entry[] {
  const known = Math.max(0, ...lists.filter((l) => l.more).map((l) => l.entries.at(-1)?.at ?? 0));
  return lists
    .flatMap((l) => l.entries)
    .filter((e) => e.at >= known)
    .sort((a, b) => b.at - a.at);
}

/** running is true while more is going to happen by itself. */
export function running(e: Entry): boolean {
  return !e.it.settled;
}

/** lasted is how long it took, or has been taking, in milliseconds; undefined where it never began. */
export function lasted(e: Entry, now: number): number | undefined {
  const begun = time(e.of === "deployment" ? (e.it.startedAt ?? e.it.createdAt) : e.it.createdAt);
  const end = time(e.it.finishedAt) ?? (running(e) ? now : undefined);
  return begun === undefined || end === undefined ? undefined : end - begun;
}
