"use client";

import { Activity, ExternalLink } from "lucide-react";
import Link from "next/link";
import type { ReactNode } from "react";
import { useAbout } from "@/components/shell/session";
import { Badge } from "@/components/ui/badge";
import { PageHeader } from "@/components/ui/card";
import { CopyButton } from "@/components/ui/copy";
import { Ago, External } from "@/components/ui/facts";
import { duration, shortSHA, time } from "@/lib/format";
import { hrefs, safeHref } from "@/lib/routes";
import { deploymentTone } from "@/lib/tones";
import { total, type Deployment } from "./use-deployment";
import { outcome } from "./words";

const link = "text-accent-text underline-offset-2 hover:underline";

/** DeploymentHead says what is deployed where, by whom, since when, and how it is. */
export function DeploymentHead({
  deployment: d,
  newer,
  cancelling,
  now,
  actions,
}: {
  deployment: Deployment;
  /** Deployments of the same service that were asked for later, as far as they matter. */
  newer: Deployment[];
  cancelling: boolean;
  now: number;
  actions: ReactNode;
}) {
  const { word, title } = outcome(d, newer);
  const waited = time(d.startedAt) !== undefined ? time(d.startedAt)! - (time(d.createdAt) ?? 0) : undefined;
  return (
    <PageHeader
      actions={actions}
      title={
        <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <span className="min-w-0 wrap-anywhere">
            {d.service} <span className="font-mono text-base font-medium text-ink-2">{d.branch || shortSHA(d.sha)}</span>
          </span>
          <Badge tone={cancelling ? "warn" : deploymentTone(d.state)} title={title} dot>
            {cancelling ? "cancelling" : word}
          </Badge>
        </span>
      }
    >
      <ul className="flex flex-wrap items-center gap-x-4 gap-y-1 text-sm">
        <li>
          in{" "}
          <Link className={link} href={hrefs.sandbox(d.sandbox)}>
            {d.sandbox}
          </Link>
        </li>
        {d.sha && (
          <li className="flex items-center gap-0.5 font-mono text-xs">
            {shortSHA(d.sha)}
            <CopyButton text={d.sha} label="Copy the commit" />
          </li>
        )}
        <li>
          by <b className="font-medium text-ink">{d.requestedBy}</b>, <Ago at={d.createdAt} />
        </li>
        <li className="tabular-nums">
          <span className="sr-only">Total time </span>
          <b className="font-medium text-ink">{duration(total(d, now))}</b>
          {waited !== undefined && waited >= 1000 && ` (waited ${duration(waited)})`}
        </li>
        <li>on {d.node}</li>
        {d.environment && (
          <li>
            <Link className={link} href={hrefs.environment(d.environment)}>
              {d.environment}
            </Link>
            {d.environmentVersion ? ` v${d.environmentVersion}` : ""}
          </li>
        )}
        {d.operation && (
          <li>
            part of{" "}
            <Link className={link} href={hrefs.operation(d.operation)}>
              {d.operation}
            </Link>
          </li>
        )}
        <li>
          <TemporalLink url={d.temporalURL} />
        </li>
      </ul>
    </PageHeader>
  );
}

/** TemporalLink leads to the run in the Temporal UI; nothing where none is known. */
export function TemporalLink({ url }: { url: string | undefined }) {
  const about = useAbout();
  const known = url || about?.temporalUI;
  if (!safeHref(known)) return null;
  return (
    <External href={known}>
      <span className="inline-flex items-center gap-1">
        <Activity aria-hidden className="size-3.5" />
        {url ? "Run in Temporal" : "Temporal UI"}
        <ExternalLink aria-hidden className="size-3" />
      </span>
    </External>
  );
}
