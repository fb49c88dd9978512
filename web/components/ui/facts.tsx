"use client";

import type { ReactNode } from "react";
import { ago, clock, full, shortSHA, time } from "@/lib/format";
import { useNow } from "@/lib/live";
import { safeHref } from "@/lib/routes";
import { cn } from "@/lib/cn";

/** Ago shows how long ago something was, running on; the exact time is its title. */
export function Ago({ at, never = "never" }: { at: string | undefined; never?: string }) {
  const now = useNow(10_000);
  if (time(at) === undefined) return <span className="text-ink-3">{never}</span>;
  return <time dateTime={at} title={full(at)} className="whitespace-nowrap">{ago(at, now)}</time>;
}

/** At shows a time of day. */
export function At({ at }: { at: string | undefined }) {
  return <time dateTime={at} title={full(at)} className="whitespace-nowrap tabular-nums">{clock(at)}</time>;
}

/** Commit shows a branch and a commit the way SDP writes them: branch@sha. Both are untrusted text. */
export function Commit({ branch, sha, className }: { branch?: string; sha?: string; className?: string }) {
  return (
    <span className={cn("font-mono text-xs break-all", className)} title={sha}>
      {branch}
      {sha && <span className="text-ink-3">{branch ? "@" : ""}{shortSHA(sha)}</span>}
    </span>
  );
}

/** External is a link to somewhere else; what is no http address is shown as text. */
export function External({ href, children, className }: { href: string | undefined; children: ReactNode; className?: string }) {
  const url = safeHref(href);
  if (!url) return <span className={className}>{children}</span>;
  return <a href={url} target="_blank" rel="noreferrer" className={cn("text-accent-text underline-offset-2 hover:underline", className)}>{children}</a>;
}
