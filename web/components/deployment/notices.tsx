"use client";

import { Ban, Hourglass, LoaderCircle, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import type { Schemas } from "@/lib/api";
import { duration, time } from "@/lib/format";
import type { Deployment } from "./use-deployment";

/** Waiting says what a deployment waits for, while it waits. */
export function Waiting({ deployment: d }: { deployment: Deployment }) {
  if (d.state !== "QUEUED" && !d.waitingFor) return null;
  return <Notice>{d.waitingFor ? <>Waits for {d.waitingFor}.</> : "Waits for its turn."} It goes on by itself.</Notice>;
}

/** Cancelling says what a cancel waits for: it is over only when the node says so. */
export function Cancelling({ deployment: d, now }: { deployment: Deployment; now: number }) {
  const since = time(d.cancelRequestedAt);
  // Before the server has heard of it, what it waits for is something else.
  const what = d.cancelling ? d.waitingFor : undefined;
  return (
    <Notice busy>
      <b className="font-semibold">Cancelling.</b>{" "}
      {what ? `Waiting for ${what}` : `Waiting for ${d.node} to confirm that nothing of it runs`}
      {since !== undefined && now - since >= 1000 ? <span className="tabular-nums"> ({duration(now - since)})</span> : null}. What
      served {d.service} before goes on serving.
    </Notice>
  );
}

/** Cancelled says who or what cancelled something. */
export function Cancelled({ failure }: { failure: Schemas["Failure"] }) {
  return <Notice icon={Ban}>{failure.detail.charAt(0).toUpperCase() + failure.detail.slice(1)}.</Notice>;
}

/** Notice says what is waited for, or what came in between. */
export function Notice({ busy, icon, children }: { busy?: boolean; icon?: LucideIcon; children: ReactNode }) {
  const Icon = icon ?? (busy ? LoaderCircle : Hourglass);
  return (
    <div role="status" className="mb-5 flex gap-2.5 rounded-lg bg-warn-soft px-4 py-2.5 text-warn-text">
      <Icon aria-hidden className={busy ? "mt-0.5 size-4 shrink-0 animate-spin" : "mt-0.5 size-4 shrink-0"} />
      <p className="min-w-0 break-words">{children}</p>
    </div>
  );
}
