"use client";

import { RotateCw } from "lucide-react";
import Link from "next/link";
import { Button } from "@/components/ui/button";
import { ProblemBox } from "@/components/ui/problem";
import { useToast } from "@/components/ui/toast";
import { api, newKey, ok } from "@/lib/api";
import { plural } from "@/lib/format";
import { useAction } from "@/lib/live";
import { hrefs } from "@/lib/routes";

interface BehindProps {
  sandbox: string;
  /** Services that run with other settings than a restart would give them. */
  services: string[];
  onRestarted: () => void;
}

/** Behind says which services still run with old settings, and brings them up to date. */
export function Behind({ sandbox, services, onRestarted }: BehindProps) {
  const toast = useToast();
  const restart = useAction(async (names: string[]) => {
    for (const service of names) {
      const operation = await ok(
        api.POST("/api/v1/sandboxes/{name}/services/{service}/restart", {
          params: { path: { name: sandbox, service }, header: { "Idempotency-Key": newKey() } },
        }),
      );
      toast(
        <>
          Restart of {service} started.{" "}
          <Link className="text-accent-text underline" href={hrefs.operation(operation.id)}>
            Follow it
          </Link>
        </>,
      );
    }
    onRestarted();
  });
  if (services.length === 0) return null;
  return (
    <section aria-label="Behind" className="space-y-3 rounded-xl border border-warn/40 bg-warn-soft p-4 text-warn-text">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="min-w-0 flex-1 basis-72">
          <b className="font-semibold">{plural(services.length, "service is", "services are")} behind: </b>
          {services.join(", ")}. What runs was started with other settings than it would get now. A restart replaces the container
          without interruption: the old one answers until the new one is healthy.
        </p>
        <div className="flex flex-wrap gap-2">
          {services.slice(0, 4).map((s) => (
            <Button key={s} size="small" disabled={restart.busy} onClick={() => void restart.act([s])}>
              <RotateCw aria-hidden className="size-3.5" /> Restart {s}
            </Button>
          ))}
          {services.length > 1 && (
            <Button size="small" look="primary" busy={restart.busy} onClick={() => void restart.act(services)}>
              Restart all {services.length}
            </Button>
          )}
        </div>
      </div>
      <ProblemBox problem={restart.problem} />
    </section>
  );
}
