"use client";

import { useMemo } from "react";
import { api, ok } from "@/lib/api";
import { ofSandbox } from "@/lib/concerns";
import { useResource } from "@/lib/live";
import { usePages } from "@/lib/use-pages";
import { deploymentEntry, merged, operationEntry } from "./entries";

export const filterNames = ["what", "state", "time", "sandbox", "service", "branch", "user"] as const;
export type HistoryFilter = Record<(typeof filterNames)[number], string>;

export const whats = { deployments: "Deployments", operations: "Operations" };
export const states = { active: "In progress", failed: "Failed", cancelled: "Cancelled" };
export const times = { hour: "Last hour", day: "Last 24 hours", week: "Last 7 days", month: "Last 30 days" };

const spans: Record<string, number> = { hour: 3600e3, day: 86400e3, week: 7 * 86400e3, month: 30 * 86400e3 };
const limit = 50;

/** useHistory reads deployments and operations that match, newest first, and more of them on demand. */
export function useHistory(f: HistoryFilter) {
  const key = filterNames.map((n) => f[n]).join("\n");
  const { query, state } = useMemo(
    () => ({
      query: {
        limit,
        sandbox: f.sandbox || undefined,
        service: f.service || undefined,
        user: f.user || undefined,
        active: f.state === "active" || undefined,
      },
      state: f.state === "failed" ? ("FAILED" as const) : f.state === "cancelled" ? ("CANCELLED" as const) : undefined,
    }),
    [f.sandbox, f.service, f.user, f.state],
  );
  // Asked for anew each time it is read: "the last hour" moves on.
  const since = () => (spans[f.time] ? new Date(Date.now() - spans[f.time]!).toISOString() : undefined);
  // Operations have no branch.
  const operationsToo = f.what !== "deployments" && !f.branch;
  const deploymentsToo = f.what !== "operations";
  const none = { items: [] };
  const deployments = usePages(
    `deployments\n${key}`,
    async (cursor, signal) =>
      deploymentsToo
        ? ok(
            api.GET("/api/v1/deployments", {
              params: { query: { ...query, state, branch: f.branch || undefined, since: since(), cursor } },
              signal,
            }),
          )
        : none,
    ofSandbox(),
  );
  const operations = usePages(
    `operations\n${key}`,
    async (cursor, signal) =>
      operationsToo
        ? ok(api.GET("/api/v1/operations", { params: { query: { ...query, state, since: since(), cursor } }, signal }))
        : none,
    ofSandbox(),
  );
  // What took another's place may be of a branch or a user that was not asked for.
  const { sandbox, service } = query;
  const serving = useResource(
    f.branch || f.user ? `serving\n${f.sandbox}\n${f.service}` : null,
    async (signal) =>
      (
        await ok(
          api.GET("/api/v1/deployments", { params: { query: { sandbox, service, state: "RUNNING", limit: 200 } }, signal }),
        )
      ).items ?? [],
    ofSandbox(),
  );
  const more =
    deployments.more || operations.more
      ? () => {
          deployments.more?.();
          operations.more?.();
        }
      : undefined;
  return {
    entries: merged(
      { entries: deployments.items?.map(deploymentEntry) ?? [], more: !!deployments.more },
      { entries: operations.items?.map(operationEntry) ?? [], more: !!operations.more },
    ),
    serving: serving.data,
    read: deployments.items !== undefined && operations.items !== undefined,
    problem: deployments.problem ?? operations.problem,
    more,
    loadingMore: deployments.loadingMore || operations.loadingMore,
  };
}
