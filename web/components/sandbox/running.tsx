"use client";

import { LoaderCircle } from "lucide-react";
import Link from "next/link";
import { Button } from "@/components/ui/button";
import { Ago } from "@/components/ui/facts";
import { ProblemBox } from "@/components/ui/problem";
import { api, ok, type Schemas } from "@/lib/api";
import { useAction } from "@/lib/live";
import { hrefs } from "@/lib/routes";
import { words } from "@/lib/tones";

type Sandbox = Schemas["Sandbox"];
type Operation = Schemas["Operation"];

/** RunningOperations lists what goes on in the sandbox now: operations and deployments, each with its cancel. */
export function RunningOperations({ sandbox, operations }: { sandbox: Sandbox; operations: Operation[] }) {
  const deployments = sandbox.services.flatMap((s) => (s.latest && !s.latest.settled ? [s.latest] : []));
  const running = operations.filter((o) => !o.settled);
  if (deployments.length + running.length === 0) return null;
  return (
    <section aria-label="In progress" className="mb-5 rounded-xl border border-info/40 bg-info-soft text-info-text">
      <ul className="divide-y divide-info/20">
        {running.map((o) => (
          <Row
            key={o.id}
            what={o.doing}
            href={hrefs.operation(o.id)}
            detail={o.waitingFor ? `waits for ${o.waitingFor}` : words(o.state)}
            by={o.requestedBy}
            at={o.createdAt}
            cancel={
              o.cancellable ? () => ok(api.POST("/api/v1/operations/{id}/cancel", { params: { path: { id: o.id } } })) : undefined
            }
          />
        ))}
        {deployments.map((d) => (
          <Row
            key={d.id}
            what={`Deploying ${d.service}${d.branch ? " " + d.branch : ""}`}
            href={hrefs.deployment(d.id)}
            detail={d.waitingFor ? `waits for ${d.waitingFor}` : words(d.state)}
            by={d.requestedBy}
            at={d.createdAt}
            cancel={
              d.cancellable
                ? () => ok(api.POST("/api/v1/deployments/{id}/cancel", { params: { path: { id: d.id } } }))
                : undefined
            }
          />
        ))}
      </ul>
    </section>
  );
}

interface RowProps {
  what: string;
  href: string;
  detail: string;
  by: string;
  at: string;
  cancel?: () => Promise<unknown>;
}

function Row({ what, href, detail, by, at, cancel }: RowProps) {
  const action = useAction(async () => {
    await cancel?.();
  });
  return (
    <li className="px-4 py-2">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <LoaderCircle aria-hidden className="size-4 shrink-0 animate-spin" />
        <Link href={href} className="min-w-0 font-medium wrap-anywhere underline-offset-2 hover:underline">
          {what}
        </Link>
        <span>{detail}</span>
        <span className="text-xs">
          {by}, <Ago at={at} />
        </span>
        {cancel && (
          <Button
            size="small"
            className="ml-auto"
            busy={action.busy}
            onClick={() => void action.act()}
            aria-label={`Cancel: ${what}`}
          >
            Cancel
          </Button>
        )}
      </div>
      <ProblemBox problem={action.problem} className="mt-2" />
    </li>
  );
}
