"use client";

import { TriangleAlert } from "lucide-react";
import Link from "next/link";
import { memo } from "react";
import { Ago } from "@/components/ui/facts";
import { useNow } from "@/lib/live";
import { hrefs } from "@/lib/routes";
import { Address } from "./address";
import { expiryOf } from "./expiry";
import { Services } from "./services";
import { StateBadge } from "./state";
import type { Sandbox } from "./use-sandboxes";

/** SandboxCard is one sandbox at a glance. It is drawn anew only when the sandbox has changed. */
export const SandboxCard = memo(function SandboxCard({ sandbox: s, mine }: { sandbox: Sandbox; mine: boolean }) {
  return (
    <article className="flex h-full flex-col rounded-xl border bg-surface">
      <header className="relative flex items-start justify-between gap-3 rounded-t-xl px-4 pt-3.5 pb-2.5 hover:bg-sunken/60">
        <div className="min-w-0">
          <h3 className="truncate font-semibold">
            {/* The link covers the whole head of the card. */}
            <Link href={hrefs.sandbox(s.name)} prefetch={false} className="after:absolute after:inset-0 after:rounded-t-xl">{s.name}</Link>
          </h3>
          <p className="truncate text-xs text-ink-3" title={s.description}>
            {mine ? "mine" : s.owner}
            {s.environment && <> · environment {s.environment}</>}
            {s.description && <> · {s.description}</>}
          </p>
        </div>
        <StateBadge sandbox={s} />
      </header>
      <div className="flex-1 space-y-3 px-4 pb-3">
        {s.services.length > 0 ? <Services services={s.services} /> : <p className="text-[0.8125rem] text-ink-3">No services yet: deploy one into it.</p>}
        <Notes sandbox={s} />
      </div>
      <footer className="flex flex-wrap items-center justify-between gap-x-3 border-t px-4 py-1.5">
        <Address sandbox={s} />
        <Activity sandbox={s} />
      </footer>
    </article>
  );
});

/** notesOf are the sentences on what is not well and what to do, each once. */
export function notesOf(s: Sandbox): { text: string; remedy?: string; bad: boolean }[] {
  const bad = s.state === "ACTIVE" && s.health === "down";
  const unwell = s.state === "ACTIVE" && (bad || s.health === "degraded");
  const reasons = unwell ? (s.healthReasons ?? []).map((text) => ({ text, bad })) : [];
  return [...reasons, ...(s.attention ?? []).map((a) => ({ text: a.detail, remedy: a.remedy, bad: false }))];
}

function Notes({ sandbox }: { sandbox: Sandbox }) {
  const notes = notesOf(sandbox);
  const [first] = notes;
  if (!first) return null;
  return (
    <div className={first.bad ? "flex gap-2 rounded-lg bg-bad-soft px-2.5 py-1.5 text-xs text-bad-text" : "flex gap-2 rounded-lg bg-warn-soft px-2.5 py-1.5 text-xs text-warn-text"}
      title={notes.map((n) => (n.remedy ? `${n.text}: ${n.remedy}` : n.text)).join("\n")}>
      <TriangleAlert aria-hidden className="mt-px size-3.5 shrink-0" />
      <p className="line-clamp-2 min-w-0 break-words">
        {first.text}
        {notes.length > 1 && <b className="font-semibold"> And {notes.length - 1} more.</b>}
      </p>
    </div>
  );
}

/** Activity says when it was last used, and what becomes of it if it is not. */
export function Activity({ sandbox: s }: { sandbox: Sandbox }) {
  const now = useNow(60_000);
  const expiry = expiryOf(s, now);
  return (
    <p className="text-xs text-ink-3">
      {s.lastActivity ? <>used <Ago at={s.lastActivity} /></> : <>made <Ago at={s.createdAt} />, not used yet</>}
      {expiry && <>, {expiry}</>}
    </p>
  );
}
