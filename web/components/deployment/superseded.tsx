"use client";

import { Replace } from "lucide-react";
import Link from "next/link";
import { useEffect } from "react";
import { useUser } from "@/components/shell/session";
import { useToast } from "@/components/ui/toast";
import { api, ok, type Schemas } from "@/lib/api";
import { cn } from "@/lib/cn";
import { useEvents } from "@/lib/live";
import { here, hrefs } from "@/lib/routes";
import type { Deployment } from "./use-deployment";

type By = Schemas["Superseder"];

/** SupersededBy names what took a deployment's place, and whose it is: "superseded by" goes before it. */
export function SupersededBy({ by, className }: { by: By; className?: string }) {
  const deployment = by.id.startsWith("d-");
  return (
    <>
      <Link
        href={deployment ? hrefs.deployment(by.id) : hrefs.operation(by.id)}
        className={cn("font-mono text-xs font-medium whitespace-nowrap text-accent-text underline underline-offset-2", className)}
      >
        {by.id}
      </Link>{" "}
      of {by.user}
      {!deployment && ", which deletes the sandbox"}
    </>
  );
}

/** Superseded says on top of a deployment's page why it ended before it was done. */
export function Superseded({ deployment: d, by }: { deployment: Deployment; by: By }) {
  return (
    <div role="alert" className="mb-5 flex gap-3 rounded-xl border border-warn/50 bg-warn-soft px-4 py-3 text-warn-text">
      <Replace aria-hidden className="mt-0.5 size-5 shrink-0" />
      <div className="min-w-0 space-y-1 break-words">
        <p className="text-base font-semibold">
          Superseded by <SupersededBy by={by} className="text-sm text-inherit" />
        </p>
        {by.id.startsWith("d-") && (
          <p>
            Of two deployments of {d.service} in one sandbox the newer goes on. Deploying this one again would supersede the other
            in turn{by.user !== d.requestedBy && `: ask ${by.user} first`}.
          </p>
        )}
      </div>
    </div>
  );
}

// Deployments of whoever looks that were seen under way. Signing out loads a new page, which forgets them.
const underWay = new Set<string>();

/** useWatched has SupersededToasts look after a deployment once it was seen, if it is one's own. */
export function useWatched(d: Deployment) {
  const mine = d.requestedBy === useUser();
  useEffect(() => {
    if (mine && !d.settled) underWay.add(d.id);
  }, [mine, d.id, d.settled]);
}

/** SupersededToasts tells whoever waits for a deployment, on whatever page, that another one took its place. */
export function SupersededToasts() {
  const toast = useToast();
  const look = async (id: string) => {
    const d = await ok(api.GET("/api/v1/deployments/{id}", { params: { path: { id } } })).catch(() => undefined); // asked again with the next event
    if (!d?.settled || !underWay.delete(id) || !d.supersededBy || here() === hrefs.deployment(id)) return;
    toast(
      <>
        Your deployment of {d.service} in {d.sandbox} was superseded by <SupersededBy by={d.supersededBy} />
      </>,
      "warn",
    );
  };
  useEvents((e) => {
    const ids = e.topic === "resync" ? [...underWay] : [e.topic.replace(/^deployment\//, "")].filter((id) => underWay.has(id));
    ids.forEach((id) => void look(id));
  });
  return null;
}
