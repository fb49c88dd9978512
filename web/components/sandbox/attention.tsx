import { TriangleAlert } from "lucide-react";
import { Remedy } from "@/components/ui/remedy";
import type { Schemas } from "@/lib/api";

/** AttentionNotes shows what somebody should know about the sandbox, each with what to do about it. */
export function AttentionNotes({ sandbox }: { sandbox: Schemas["Sandbox"] }) {
  const reasons = sandbox.health === "down" || sandbox.health === "degraded" ? (sandbox.healthReasons ?? []) : [];
  const notes = sandbox.attention ?? [];
  if (reasons.length === 0 && notes.length === 0) return null;
  return (
    <section aria-label="Needs attention" className="mb-5 rounded-xl border border-warn/40 bg-warn-soft px-4 py-3 text-warn-text">
      <ul className="space-y-2">
        {reasons.map((r) => (
          <li key={r} className="flex gap-2">
            <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
            <span className="min-w-0 break-words">{r}</span>
          </li>
        ))}
        {notes.map((a) => (
          <li key={a.code + (a.service ?? "")} className="flex gap-2">
            <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
            <div className="min-w-0 space-y-0.5 break-words">
              <p>{a.detail}</p>
              <Remedy remedy={a.remedy} />
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
