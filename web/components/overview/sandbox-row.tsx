"use client";

import { TriangleAlert } from "lucide-react";
import Link from "next/link";
import { memo } from "react";
import { Dot } from "@/components/ui/badge";
import { cn } from "@/lib/cn";
import { hrefs } from "@/lib/routes";
import { Address } from "./address";
import { notesOf } from "./notes";
import { Used } from "./sandbox-card";
import { LatestNews, Source, split } from "./services";
import { ServiceDot, StateBadge } from "./state";
import type { Sandbox } from "./use-sandboxes";

// As the list gets narrower, first the state goes below the name, then each sandbox becomes a card.
const columns = cn(
  "@2xl:grid @2xl:grid-cols-[minmax(13rem,1fr)_minmax(0,1.4fr)_12rem] @2xl:items-center @2xl:gap-x-4",
  "@4xl:grid-cols-[minmax(8rem,1fr)_8rem_minmax(0,2.2fr)_minmax(12rem,0.9fr)]",
);

/** RowHead names the columns for eyes; each row's parts say by themselves what they are. */
export function RowHead() {
  return (
    <div aria-hidden className={cn("hidden border-b px-4 py-2 text-xs font-medium text-ink-3", columns)}>
      <span>Sandbox</span>
      <span className="@max-4xl:hidden">State</span>
      <span>Services</span>
      <span>URL and use</span>
    </div>
  );
}

/** SandboxRow is one sandbox in one or two lines, for those who have many. */
export const SandboxRow = memo(function SandboxRow({ sandbox: s }: { sandbox: Sandbox }) {
  const notes = notesOf(s);
  return (
    <article className={cn("space-y-1.5 border-b px-4 py-2 hover:bg-sunken/50 @2xl:space-y-0", columns)}>
      <div className="flex min-w-0 items-start justify-between gap-2 @2xl:@max-4xl:flex-wrap @2xl:@max-4xl:items-center @2xl:@max-4xl:gap-y-1">
        <div className="min-w-0 @2xl:@max-4xl:contents">
          <h3 className="flex min-w-0 basis-full items-center gap-1.5 font-medium">
            <Link href={hrefs.sandbox(s.name)} prefetch={false} title={s.name} className="truncate hover:underline">
              {s.name}
            </Link>
            {notes.length > 0 && (
              <span
                title={notes.map((n) => n.text).join("\n")}
                className={cn("shrink-0", notes[0]!.bad ? "text-bad-text" : "text-warn-text")}
              >
                <TriangleAlert aria-hidden className="size-3.5" />
                <span className="sr-only">wants attention: {notes[0]!.text}</span>
              </span>
            )}
          </h3>
          <p className="min-w-0 truncate text-xs text-ink-3 @2xl:@max-4xl:order-1 @2xl:@max-4xl:flex-1" title={s.description}>
            {s.owner}
            {s.description && <> · {s.description}</>}
          </p>
        </div>
        <div className="@4xl:hidden">
          <StateBadge sandbox={s} />
        </div>
      </div>
      <div className="hidden @4xl:block">
        <StateBadge sandbox={s} />
      </div>
      <ServicesInline sandbox={s} />
      <div className="min-w-0 @max-2xl:flex @max-2xl:flex-wrap @max-2xl:items-center @max-2xl:justify-between">
        <Address sandbox={s} compact />
        <div className="min-w-0 @2xl:truncate">
          <Used sandbox={s} />
        </div>
      </div>
    </article>
  );
});

function ServicesInline({ sandbox }: { sandbox: Sandbox }) {
  const { own, shared } = split(sandbox.services);
  return (
    <ul aria-label="Services" className="flex min-w-0 flex-wrap gap-x-4 gap-y-1 text-[0.8125rem]">
      {own.map((v) => (
        <li key={v.name} className="flex max-w-full min-w-0 items-center gap-1.5">
          <ServiceDot service={v} />
          <span className="font-medium">{v.name}</span>
          <Source service={v} short />
          <LatestNews service={v} />
        </li>
      ))}
      {shared.length > 0 && (
        <li className="flex max-w-full min-w-0 items-center gap-1.5" title={shared.map((v) => v.name).join(", ")}>
          <Dot tone="ocp" />
          <span className="font-medium text-ocp-text">OCP</span>
          <span className="truncate text-ink-3">{shared.map((v) => v.name).join(", ")}</span>
        </li>
      )}
      {sandbox.services.length === 0 && <li className="text-ink-3">no services yet</li>}
    </ul>
  );
}
