"use client";

import { api, ok, type Schemas } from "@/lib/api";
import { ofSandbox } from "@/lib/concerns";
import { useResource } from "@/lib/live";
import { useSocket } from "@/lib/use-socket";
import { useTick } from "@/lib/use-tick";

type Event = Schemas["Event"];

export function useSandbox(name: string) {
  return useResource<Schemas["Sandbox"]>(
    name ? "sandbox/" + name : null,
    (signal) => ok(api.GET("/api/v1/sandboxes/{name}", { params: { path: { name } }, signal })),
    (e) => ofSandbox(name)(e) || e.topic === "nodes",
  );
}

/** useOperations reads the newest operations of a sandbox: what runs, and how what ran before ended. */
export function useOperations(name: string) {
  return useResource<Schemas["Operation"][]>(
    name ? "operations/" + name : null,
    async (signal) =>
      (await ok(api.GET("/api/v1/sandboxes/{name}/operations", { params: { path: { name }, query: { limit: 30 } }, signal })))
        .items ?? [],
    ofSandbox(name),
  );
}

const rereadEvery = 5000; // milliseconds: a node that falls silent sends no event, but its rates end

/**
 * useTraffic follows what the routers count. Such events are too many for the page's stream of everything, so a sandbox
 * that is looked at has a stream of its own.
 */
export function useTraffic(name: string, wanted: boolean) {
  const key = name && wanted ? "traffic/" + name : null;
  const traffic = useResource<Schemas["Traffic"]>(
    key,
    (signal) => ok(api.GET("/api/v1/sandboxes/{name}/traffic", { params: { path: { name } }, signal })),
    ofSandbox(name),
  );
  useSocket<Event>(key ? () => `/api/v1/events?sandbox=${encodeURIComponent(name)}` : null, (e) => {
    if (e.topic.startsWith("traffic/")) void traffic.reload();
  });
  useTick(rereadEvery, () => void traffic.reload());
  return traffic;
}
