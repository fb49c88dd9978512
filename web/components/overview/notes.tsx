import { TriangleAlert } from "lucide-react";
import type { Sandbox } from "./use-sandboxes";

export interface Note {
  text: string;
  remedy?: string;
  bad: boolean;
}

/** notesOf are the sentences on what is not well and what to do about it, each once, the worst first. */
export function notesOf(s: Sandbox): Note[] {
  const out: Note[] = [];
  if (s.state === "ACTIVE") {
    const said = new Set<string>();
    for (const v of s.services) {
      if (v.healthReason) said.add(v.healthReason);
      // Why a deployment failed says more than that it did.
      if (v.latest?.state === "FAILED" && v.latest.failure)
        out.push({ text: named(v.name, v.latest.failure.detail), remedy: v.latest.failure.remedy, bad: v.health === "down" });
      else if (v.healthReason && ["down", "degraded", "unknown"].includes(v.health))
        out.push({ text: v.healthReason, bad: v.health === "down" });
    }
    if (s.health === "down" || s.health === "degraded") {
      for (const text of s.healthReasons ?? []) if (!said.has(text)) out.push({ text, bad: s.health === "down" });
    }
  }
  out.push(...(s.attention ?? []).map((a) => ({ text: a.detail, remedy: a.remedy, bad: false })));
  return out.sort((a, b) => Number(b.bad) - Number(a.bad));
}

/** named puts a service's name before what is said about it, unless that has it: a failure may tell of its node only. */
function named(service: string, detail: string): string {
  const words = detail.split(/[^\w-]+/);
  return words.includes(service) ? detail : `${service}: ${detail}`;
}

/** Notes shows the first of them; the sandbox's page has all, with their remedies. */
export function Notes({ sandbox }: { sandbox: Sandbox }) {
  const notes = notesOf(sandbox);
  const [first] = notes;
  if (!first) return null;
  return (
    <div
      className={
        first.bad
          ? "flex gap-2 rounded-lg bg-bad-soft px-2.5 py-1.5 text-xs text-bad-text"
          : "flex gap-2 rounded-lg bg-warn-soft px-2.5 py-1.5 text-xs text-warn-text"
      }
      title={notes.map((n) => (n.remedy ? `${n.text}: ${n.remedy}` : n.text)).join("\n")}
    >
      <TriangleAlert aria-hidden className="mt-px size-3.5 shrink-0" />
      <p className="line-clamp-3 min-w-0 break-words">
        {notes.length > 1 && <b className="font-semibold">1 of {notes.length}: </b>}
        {first.text}
      </p>
    </div>
  );
}
