"use client";

import { useEffect, useState } from "react";
import { api, ok, type Schemas } from "@/lib/api";
import { ofSandbox } from "@/lib/concerns";
import { time } from "@/lib/format";
import { useResource } from "@/lib/live";

export type Deployment = Schemas["Deployment"];
export type Step = Schemas["Step"];

/** useDeployment reads a deployment and keeps it up to date. What a cancel waits for may be a node, so its news count too. */
export function useDeployment(id: string) {
  return useResource(
    id ? `deployment/${id}` : null,
    async (signal) => {
      const answer = api.GET("/api/v1/deployments/{id}", { params: { path: { id } }, signal });
      const deployment = await ok(answer);
      return { deployment, skew: skewOf((await answer).response) };
    },
    (e) => e.topic === `deployment/${id}` || e.topic === "nodes",
  );
}

/** useNewer reads deployments of the same service asked for later, if that tells what became of one that runs no more. */
export function useNewer(d: Deployment): Deployment[] {
  const { sandbox, service, createdAt: since } = d;
  const newer = useResource(
    d.state === "STOPPED" ? `newer/${d.id}` : null,
    async (signal) =>
      (await ok(api.GET("/api/v1/deployments", { params: { query: { sandbox, service, since, limit: 50 } }, signal }))).items ??
      [],
    ofSandbox(sandbox),
  );
  return newer.data ?? [];
}

const tolerated = 2000; // milliseconds; the Date header has whole seconds

/** skewOf is how far this machine's clock is ahead of the server's, 0 where that hardly shows. */
function skewOf(response: Response): number {
  const server = Date.parse(response.headers.get("Date") ?? "");
  const skew = Date.now() - server - 500;
  return Number.isNaN(skew) || Math.abs(skew) < tolerated ? 0 : skew;
}

/** useTicking returns the time as the server has it, anew every so often while something runs. */
export function useTicking(running: boolean, skew: number, every = 200): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!running) return;
    const t = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(t);
  }, [running, every]);
  return now - skew;
}

/** total is how long a deployment took, or has taken by now, in milliseconds; waiting included. */
export function total(d: Deployment, now: number): number {
  return Math.max(0, (time(d.finishedAt) ?? now) - (time(d.createdAt) ?? now));
}
