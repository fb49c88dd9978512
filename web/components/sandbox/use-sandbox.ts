"use client";

import { useEffect } from "react";
import { api, ok, type Schemas } from "@/lib/api";
import { useResource } from "@/lib/live";
import { useSocket } from "@/lib/use-socket";

type Event = Schemas["Event"];

/** concernsSandbox tells whether an event is about a sandbox or anything of it, its traffic aside. */
export function concernsSandbox(e: Event, name: string) {
  if (e.topic.startsWith("traffic/") || e.topic.startsWith("log/")) return false;
  return e.sandbox === name || e.topic === "sandbox/" + name;
}

export function useSandbox(name: string) {
  return useResource<Schemas["Sandbox"]>(
    name ? "sandbox/" + name : null,
    (signal) => ok(api.GET("/api/v1/sandboxes/{name}", { params: { path: { name } }, signal })),
    (e) => concernsSandbox(e, name) || e.topic === "nodes",
  );
}

/** useOperations reads the newest operations of a sandbox: what runs, and how what ran before ended. */
export function useOperations(name: string) {
  return useResource<Schemas["Operation"][]>(
    name ? "operations/" + name : null,
    async (signal) => (await ok(api.GET("/api/v1/sandboxes/{name}/operations", { params: { path: { name }, query: { limit: 30 } }, signal }))).items ?? [],
    (e) => concernsSandbox(e, name),
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
    (e) => concernsSandbox(e, name),
  );
  const { reload } = traffic;
  useSocket<Event>(key ? () => `/api/v1/events?sandbox=${encodeURIComponent(name)}` : null, (e) => {
    if (e.topic.startsWith("traffic/")) void reload();
  });
  useEffect(() => {
    if (!key) return;
    const t = setInterval(() => {
      if (document.visibilityState === "visible") void reload();
    }, rereadEvery);
    return () => clearInterval(t);
  }, [key, reload]);
  return traffic;
}
