"use client";

import Link from "next/link";
import { memo } from "react";
import { Ago } from "@/components/ui/facts";
import { hrefs } from "@/lib/routes";
import { Address } from "./address";
import { Notes } from "./notes";
import { Services } from "./services";
import { StateBadge } from "./state";
import type { Sandbox } from "./use-sandboxes";

/** SandboxCard is one sandbox at a glance. It is drawn anew only when the sandbox has changed. */
export const SandboxCard = memo(function SandboxCard({ sandbox: s }: { sandbox: Sandbox }) {
  return (
    <article className="flex h-full flex-col rounded-xl border bg-surface">
      <header className="relative rounded-t-xl px-4 pt-3.5 pb-2.5 hover:bg-sunken/60">
        <div className="flex items-center justify-between gap-3">
          <h3 className="min-w-0 truncate font-semibold" title={s.name}>
            {/* The link covers the whole head of the card. */}
            <Link href={hrefs.sandbox(s.name)} prefetch={false} className="after:absolute after:inset-0 after:rounded-t-xl">
              {s.name}
            </Link>
          </h3>
          <StateBadge sandbox={s} />
        </div>
        <p className="mt-0.5 truncate text-xs text-ink-3">
          {s.owner}
          {s.environment && <> · environment {s.environment}</>}
        </p>
        {s.description && (
          <p className="mt-0.5 truncate text-xs text-ink-2" title={s.description}>
            {s.description}
          </p>
        )}
      </header>
      <div className="flex-1 space-y-3 px-4 pb-3">
        {s.services.length > 0 ? (
          <Services services={s.services} />
        ) : (
          <p className="text-[0.8125rem] text-ink-3">No services yet. OCP answers for all of them.</p>
        )}
        <Notes sandbox={s} />
      </div>
      <footer className="flex flex-wrap items-center justify-between gap-x-3 border-t px-4 py-1.5">
        <Address sandbox={s} />
        <Used sandbox={s} />
      </footer>
    </article>
  );
});

/** Used says when somebody last sent a request. */
export function Used({ sandbox: s }: { sandbox: Sandbox }) {
  return (
    <span className="text-xs text-ink-3">
      {s.lastActivity ? (
        <>
          used <Ago at={s.lastActivity} />
        </>
      ) : (
        <>
          made <Ago at={s.createdAt} />, unused
        </>
      )}
    </span>
  );
}
