"use client";

import { History } from "lucide-react";
import { merged, deploymentEntry, operationEntry } from "@/components/history/entries";
import { HistoryRows } from "@/components/history/history-rows";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Empty, Skeleton } from "@/components/ui/empty";
import { Select } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { api, ok, type Schemas } from "@/lib/api";
import { ofSandbox } from "@/lib/concerns";
import { usePages } from "@/lib/use-pages";
import { useQuery } from "@/lib/use-query";

const limit = 50;

/** HistoryTab lists what was deployed and done in one sandbox, newest first. */
export function HistoryTab({ sandbox }: { sandbox: Schemas["Sandbox"]; reload: () => void }) {
  const { values, set } = useQuery("what");
  const { name } = sandbox;
  const deployments = usePages(
    `deployments/${name}`,
    (cursor, signal) => ok(api.GET("/api/v1/deployments", { params: { query: { sandbox: name, cursor, limit } }, signal })),
    ofSandbox(name),
  );
  const operations = usePages(
    `operations/${name}`,
    (cursor, signal) =>
      ok(api.GET("/api/v1/sandboxes/{name}/operations", { params: { path: { name }, query: { cursor, limit } }, signal })),
    ofSandbox(name),
  );
  const lists = [
    ...(values.what !== "operations"
      ? [{ entries: deployments.items?.map(deploymentEntry) ?? [], more: !!deployments.more }]
      : []),
    ...(values.what !== "deployments" ? [{ entries: operations.items?.map(operationEntry) ?? [], more: !!operations.more }] : []),
  ];
  const entries = merged(...lists);
  const read = deployments.items && operations.items;
  const problem = deployments.problem ?? operations.problem;
  const more = lists.some((l) => l.more)
    ? () => {
        deployments.more?.();
        operations.more?.();
      }
    : undefined;
  if (!read) return problem ? <ProblemBox problem={problem} /> : <Skeleton lines={6} />;
  return (
    <Card
      flush
      title="What was done"
      actions={
        <Select aria-label="Show" className="h-8 w-auto" value={values.what} onChange={(e) => set({ what: e.target.value })}>
          <option value="">Everything</option>
          <option value="deployments">Deployments</option>
          <option value="operations">Operations</option>
        </Select>
      }
    >
      <ProblemBox problem={problem} className="m-4" />
      {entries.length === 0 ? (
        <div className="p-4">
          <Empty icon={History} title="Nothing happened yet">
            Every deployment, restart, route switch, clone and restore is listed here, with how long it took and why it failed.
          </Empty>
        </div>
      ) : (
        <HistoryRows label={`History of ${name}`} entries={entries} />
      )}
      {more && (
        <div className="border-t p-3 text-center">
          <Button busy={deployments.loadingMore || operations.loadingMore} onClick={more}>
            Load more
          </Button>
        </div>
      )}
    </Card>
  );
}
