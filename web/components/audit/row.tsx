"use client";

import { ChevronRight } from "lucide-react";
import Link from "next/link";
import { useId, useState, type ReactNode } from "react";
import { Badge } from "@/components/ui/badge";
import { Facts } from "@/components/ui/card";
import { CopyButton } from "@/components/ui/copy";
import { Commit } from "@/components/ui/facts";
import { cn } from "@/lib/cn";
import { full, time } from "@/lib/format";
import { hrefs } from "@/lib/routes";
import { outcomeTone } from "@/lib/tones";
import type { AuditEvent } from "./use-audit";
import { actionWords } from "./words";

const link = "text-accent-text underline-offset-2 hover:underline";

// As the list gets narrower, first what it was done to goes below, then each event becomes a card.
const shape = cn(
  "grid-cols-[minmax(0,1fr)_auto] [grid-template-areas:'did_end'_'who_at'_'what_what']",
  "@2xl:grid-cols-[5rem_minmax(0,1fr)_minmax(0,8rem)_6.5rem_1rem] @2xl:[grid-template-areas:'at_did_who_end_more'_'._what_what_what_.']",
  "@4xl:grid-cols-[5rem_8rem_minmax(11rem,1.1fr)_minmax(0,2fr)_6.5rem_1rem] @4xl:[grid-template-areas:'at_who_did_what_end_more']",
);

/** Row is one event: who did what to what, and how it ended. Pressing it anywhere opens what more is known. */
export function Row({ event: e, hideSandbox }: { event: AuditEvent; hideSandbox: boolean }) {
  const [open, setOpen] = useState(false);
  const id = useId();
  return (
    <li className={cn("relative", open && "bg-sunken/60")}>
      <div className={cn("grid items-baseline gap-x-3 gap-y-1 px-4 py-2 hover:bg-sunken/60", shape)}>
        <time
          dateTime={e.at}
          title={full(e.at)}
          className="text-right text-xs text-ink-3 tabular-nums [grid-area:at] @2xl:text-left @2xl:text-sm"
        >
          {hms(e.at)}
        </time>
        <span className="truncate text-ink-2 [grid-area:who]" title={e.user}>
          {e.user}
        </span>
        <button
          type="button"
          aria-expanded={open}
          aria-controls={id}
          onClick={() => setOpen(!open)}
          className="min-w-0 text-left font-medium [grid-area:did] after:absolute after:inset-x-0 after:top-0 after:h-full"
        >
          {actionWords(e.action)}
        </button>
        <span className="min-w-0 text-ink-2 [grid-area:what]">
          <What event={e} hideSandbox={hideSandbox} />
          {e.detail && !open && (
            <span className="mt-0.5 line-clamp-2 text-xs break-words text-ink-3 @2xl:line-clamp-1">{e.detail}</span>
          )}
        </span>
        <span className="[grid-area:end]">
          <Badge tone={outcomeTone(e.outcome)} dot>
            {e.outcome}
          </Badge>
        </span>
        <ChevronRight
          aria-hidden
          className={cn(
            "hidden size-4 self-center text-ink-3 transition-transform [grid-area:more] @2xl:block",
            open && "rotate-90",
          )}
        />
      </div>
      {open && (
        <div id={id} className="relative px-4 pt-1 pb-4 @2xl:pl-[6.75rem]">
          <Details event={e} />
        </div>
      )}
    </li>
  );
}

function hms(at: string) {
  const t = time(at);
  return t === undefined ? "" : new Date(t).toLocaleTimeString("en-GB");
}

/** What an event is about. The links lie above the button that covers the row. */
function What({ event: e, hideSandbox }: { event: AuditEvent; hideSandbox: boolean }) {
  const parts: ReactNode[] = [];
  if (e.service)
    parts.push(
      <span key="service" className="font-medium text-ink">
        {e.service}
      </span>,
    );
  if (e.branch || e.sha) parts.push(<Commit key="commit" branch={e.branch} sha={e.sha} />);
  if (e.sandbox && !hideSandbox)
    parts.push(
      <span key="sandbox">
        {parts.length > 0 && "in "}
        <Link className={cn(link, "relative z-10")} href={hrefs.sandbox(e.sandbox)} prefetch={false}>
          {e.sandbox}
        </Link>
      </span>,
    );
  if (e.environment && e.action.startsWith("environment."))
    parts.push(
      <Link key="environment" className={cn(link, "relative z-10")} href={hrefs.environment(e.environment)} prefetch={false}>
        {e.environment}
      </Link>,
    );
  if (parts.length === 0) return null;
  return <span className="flex flex-wrap items-baseline gap-x-2">{parts}</span>;
}

function Details({ event: e }: { event: AuditEvent }) {
  return (
    <Facts
      className="max-w-3xl"
      items={[
        ["What", e.detail && <span className="break-words whitespace-pre-wrap">{e.detail}</span>],
        ["When", full(e.at)],
        ["Who", e.user === "system" ? "system: SDP itself, without anybody asking" : e.user],
        [
          "Action",
          <code key="a" className="font-mono text-xs">
            {e.action}
          </code>,
        ],
        [
          "Sandbox",
          e.sandbox && (
            <Link className={link} href={hrefs.sandbox(e.sandbox)} prefetch={false}>
              {e.sandbox}
            </Link>
          ),
        ],
        ["Service", e.service],
        [
          "Repository",
          e.repository && (
            <Link className={link} href={hrefs.repositories(e.repository)} prefetch={false}>
              {e.repository}
            </Link>
          ),
        ],
        ["Branch", e.branch && <span className="font-mono text-xs wrap-anywhere">{e.branch}</span>],
        [
          "Commit",
          e.sha && (
            <span className="flex items-center gap-1 font-mono text-xs wrap-anywhere">
              {e.sha}
              <CopyButton text={e.sha} label="Copy the commit" />
            </span>
          ),
        ],
        [
          "Environment",
          e.environment && (
            <Link className={link} href={hrefs.environment(e.environment)} prefetch={false}>
              {e.environment}
            </Link>
          ),
        ],
        [
          e.operation?.startsWith("d-") ? "Deployment" : "Operation",
          e.operation && (
            <Link
              className={cn(link, "font-mono text-xs")}
              href={e.operation.startsWith("d-") ? hrefs.deployment(e.operation) : hrefs.operation(e.operation)}
              prefetch={false}
            >
              {e.operation}
            </Link>
          ),
        ],
        [
          "Event",
          <span key="id" className="tabular-nums">
            {e.id}
          </span>,
        ],
      ]}
    />
  );
}
