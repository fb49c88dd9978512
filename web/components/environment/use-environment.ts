"use client";

import { useState } from "react";
import { ApiError, all, api, newKey, ok, type Schemas } from "@/lib/api";
import { useResource } from "@/lib/live";

export type Environment = Schemas["Environment"];
export type Change = Omit<Schemas["UpdateEnvironment"], "version" | "note">;

export const environmentLimits = { keys: 500, value: 32 << 10, file: 128 << 10, all: 512 << 10 };

/** useEnvironment reads an environment as it is now, or one of its versions, which never change. */
export function useEnvironment(name: string, version: string) {
  const query = Number(version) > 0 ? { version: Number(version) } : {};
  return useResource(
    `environment ${name} ${version}`,
    (signal) => ok(api.GET("/api/v1/environments/{environment}", { params: { path: { environment: name }, query }, signal })),
    (e) => e.topic === `environment/${name}`,
  );
}

/** useUsage reads who uses an environment, and what runs with an older version of it. */
export function useUsage(name: string) {
  return useResource(
    `usage ${name}`,
    (signal) => ok(api.GET("/api/v1/environments/{environment}/usage", { params: { path: { environment: name } }, signal })),
    (e) => e.topic === `environment/${name}` || e.topic.startsWith("sandbox/") || e.topic.startsWith("deployment/"),
  );
}

export function useVersions(name: string) {
  return useResource(
    `versions ${name}`,
    (signal) =>
      all((cursor) =>
        ok(
          api.GET("/api/v1/environments/{environment}/versions", {
            params: { path: { environment: name }, query: { cursor, limit: 200 } },
            signal,
          }),
        ),
      ),
    (e) => e.topic === `environment/${name}`,
  );
}

/**
 * useSave sends changes of an environment together with the version that was looked at when the change was begun, so that
 * what somebody else did meanwhile is not overwritten unseen. onTop takes the newest version as looked at.
 */
export function useSave(environment: Environment) {
  const [known, setKnown] = useState(environment.newest);
  const save = (change: Change, note: string) =>
    ok(
      api.PUT("/api/v1/environments/{environment}", {
        params: { path: { environment: environment.name }, header: { "Idempotency-Key": newKey() } },
        body: { ...change, version: known, note: note.trim() || undefined },
      }),
    );
  return { save, known, onTop: setKnown };
}

/** isOutdated: somebody else changed the environment since it was looked at. */
export function isOutdated(e: unknown) {
  return e instanceof ApiError && e.problem.code === "environment-changed";
}
