"use client";

import Link from "next/link";
import { SupersededBy, useWatched } from "@/components/deployment/superseded";
import { Badge } from "@/components/ui/badge";
import { Commit } from "@/components/ui/facts";
import { api, ok, type Schemas } from "@/lib/api";
import { useResource } from "@/lib/live";
import { hrefs } from "@/lib/routes";
import { deploymentTone, words } from "@/lib/tones";

type Deployment = Schemas["Deployment"];

/** Deployments lists deployments with how they are now, each a link to all about it. */
export function Deployments({ deployments }: { deployments: Deployment[] }) {
  return (
    <ul aria-label="Deployments" className="divide-y rounded-lg border">
      {deployments.map((d) => (
        <Row key={d.id} begun={d} />
      ))}
    </ul>
  );
}

function Row({ begun }: { begun: Deployment }) {
  const { data } = useResource(
    `deployment/${begun.id}`,
    (signal) => ok(api.GET("/api/v1/deployments/{id}", { params: { path: { id: begun.id } }, signal })),
    (e) => e.topic === `deployment/${begun.id}`,
  );
  const d = data ?? begun;
  useWatched(d);
  const running = d.steps?.find((s) => s.state === "running");
  return (
    <li className="relative flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2.5 hover:bg-sunken/60">
      <Link
        href={hrefs.deployment(d.id)}
        className="font-medium text-accent-text underline-offset-2 after:absolute after:inset-0 hover:underline"
      >
        {d.service}
      </Link>
      <Commit branch={d.branch} sha={d.sha} />
      <span className="ml-auto flex items-center gap-2">
        {running && <span className="text-xs text-ink-3">{running.name}</span>}
        <Badge tone={deploymentTone(d.state)} dot>
          {words(d.state)}
        </Badge>
      </span>
      {d.supersededBy ? (
        <span className="relative z-10 w-full text-xs break-words text-ink-2">
          superseded by <SupersededBy by={d.supersededBy} />
        </span>
      ) : (
        (d.failure ?? d.waitingFor) && (
          <span className="w-full text-xs break-words text-ink-2">{d.failure?.detail ?? `waits for ${d.waitingFor}`}</span>
        )
      )}
    </li>
  );
}
