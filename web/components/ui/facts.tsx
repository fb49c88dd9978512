"use client";

import { Fragment, type ReactNode } from "react";
import { ago, clock, full, shortSHA, time } from "@/lib/format";
import { useNow } from "@/lib/live";
import { safeHref } from "@/lib/routes";
import { cn } from "@/lib/cn";

/** Ago shows how long ago something was, running on; the exact time is its title. */
export function Ago({ at, never = "never" }: { at: string | undefined; never?: string }) {
  const now = useNow(10_000);
  if (time(at) === undefined) return <span className="text-ink-3">{never}</span>;
  return (
    <time dateTime={at} title={full(at)} className="whitespace-nowrap">
      {ago(at, now)}
    </time>
  );
}

/** At shows a time of day. */
export function At({ at }: { at: string | undefined }) {
  return (
    <time dateTime={at} title={full(at)} className="whitespace-nowrap tabular-nums">
      {clock(at)}
    </time>
  );
}

/** Slashed shows a text that may be broken after its slashes, as browsers do not by themselves. */
export function Slashed({ text }: { text: string }) {
  return text.split(/(?<=\/)(?=[^/])/).map((part, i) => (
    <Fragment key={i}>
      {i > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}

/** Commit shows a branch and a commit the way SDP writes them: branch@sha. Both are untrusted text. */
export function Commit({ branch, sha, className }: { branch?: string; sha?: string; className?: string }) {
  return (
    <span className={cn("font-mono text-xs wrap-anywhere", className)} title={sha}>
      {branch && <Slashed text={branch} />}
      {branch && sha && <wbr />}
      {sha && (
        <span className="whitespace-nowrap text-ink-3">
          {branch ? "@" : ""}
          {shortSHA(sha)}
        </span>
      )}
    </span>
  );
}

/** External is a link to somewhere else; what is no http address is shown as text. */
export function External({ href, children, className }: { href: string | undefined; children: ReactNode; className?: string }) {
  const url = safeHref(href);
  if (!url) return <span className={className}>{children}</span>;
  return (
    <a
      href={url}
      target="_blank"
      rel="noreferrer"
      className={cn("text-accent-text underline-offset-2 hover:underline", className)}
    >
      {children}
    </a>
  );
}
