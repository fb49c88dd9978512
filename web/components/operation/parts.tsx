"use client";

import Link from "next/link";
import { Badge, solid } from "@/components/ui/badge";
import { Card } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/empty";
import { Commit } from "@/components/ui/facts";
import { ProblemBox } from "@/components/ui/problem";
import { outcome, stepName, stepTone } from "@/components/deployment/words";
import { total, type Deployment } from "@/components/deployment/use-deployment";
import { api, ok, type Schemas } from "@/lib/api";
import { cn } from "@/lib/cn";
import { ofSandbox } from "@/lib/concerns";
import { duration, plural } from "@/lib/format";
import { useResource } from "@/lib/live";
import { hrefs } from "@/lib/routes";
import { deploymentTone } from "@/lib/tones";

/** Parts are the deployments an operation is made of. */
export function Parts({ operation: o, now }: { operation: Schemas["Operation"]; now: number }) {
  const deployments = useResource(
    `parts/${o.id}`,
    async (signal) => {
      const page = await ok(api.GET("/api/v1/deployments", { params: { query: { sandbox: o.sandbox, limit: 100 } }, signal }));
      return page.items ?? [];
    },
    ofSandbox(o.sandbox),
  );
  const known = deployments.data ?? [];
  const items = known.filter((d) => d.operation === o.id).toSorted((a, b) => a.service.localeCompare(b.service));
  return (
    <Card title={deployments.data ? plural(items.length, "deployment") : "Deployments"} flush>
      <ProblemBox problem={deployments.problem} className="m-4" />
      {deployments.loading && (
        <div className="px-4">
          <Skeleton />
        </div>
      )}
      {deployments.data && items.length === 0 && (
        <p className="p-4 text-ink-3">It deploys nothing: it changes routes, settings or what runs already.</p>
      )}
      <ul className="@container divide-y">
        {items.map((d) => (
          <Part key={d.id} deployment={d} known={known} now={now} />
        ))}
      </ul>
    </Card>
  );
}

// As the list gets narrower, first the steps go below, then each deployment becomes a card.
const shape = cn(
  "grid-cols-[minmax(0,1fr)_auto] [grid-template-areas:'name_state'_'what_what'_'steps_steps'_'took_took']",
  "@2xl:grid-cols-[10rem_minmax(0,1fr)_8.5rem] @2xl:[grid-template-areas:'name_what_state'_'steps_steps_took']",
  "@4xl:grid-cols-[10rem_minmax(0,1fr)_14rem_5rem_8.5rem] @4xl:[grid-template-areas:'name_what_steps_took_state']",
);

function Part({ deployment: d, known, now }: { deployment: Deployment; known: Deployment[]; now: number }) {
  const { word, title } = outcome(d, known);
  const running = d.steps?.find((s) => s.state === "running");
  return (
    <li className={cn("relative grid items-center gap-x-4 gap-y-1.5 px-4 py-3 hover:bg-sunken/60", shape)}>
      <Link
        href={hrefs.deployment(d.id)}
        className="font-medium text-accent-text underline-offset-2 [grid-area:name] after:absolute after:inset-0 hover:underline"
      >
        {d.service}
      </Link>
      <span className="min-w-0 [grid-area:what]">
        <Commit branch={d.branch} sha={d.sha} />
      </span>
      <ol aria-label={`Steps of ${d.service}`} className="flex gap-0.5 [grid-area:steps]">
        {(d.steps ?? []).map((s) => (
          <li
            key={s.name}
            title={`${stepName(s.name)}: ${s.state}`}
            className={cn(
              "h-1.5 flex-1 rounded-full",
              s.state === "pending" ? "bg-idle-soft" : solid[stepTone(s.state)],
              s.state === "cached" && "opacity-50",
              s.state === "running" && "animate-pulse",
            )}
          >
            <span className="sr-only">
              {stepName(s.name)}: {s.state}
            </span>
          </li>
        ))}
      </ol>
      <span className="text-xs text-ink-3 tabular-nums [grid-area:took] @2xl:text-right">{duration(total(d, now))}</span>
      <span className="justify-self-end [grid-area:state]">
        <Badge tone={deploymentTone(d.state)} title={title} dot>
          {running ? stepName(running.name).toLowerCase() : word}
        </Badge>
      </span>
      {(d.failure ?? (d.waitingFor || undefined)) && (
        <p className="col-span-full text-xs break-words text-ink-2">{d.failure?.detail ?? `Waits for ${d.waitingFor}`}</p>
      )}
    </li>
  );
}
