"use client";

import { Card } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/empty";
import { ProblemBox } from "@/components/ui/problem";
import { api, ok } from "@/lib/api";
import { useResource } from "@/lib/live";
import { Row } from "./row";

/** OperationAudit is what the audit says about one deployment or operation. */
export function OperationAudit({ id, topic }: { id: string; topic: string }) {
  const events = useResource(
    `audit/${id}`,
    (signal) => ok(api.GET("/api/v1/audit", { params: { query: { operation: id, limit: 50 } }, signal })),
    (e) => e.topic === topic || e.id === id,
  );
  const items = events.data?.items ?? [];
  return (
    <Card title="Audit" flush>
      <ProblemBox problem={events.problem} className="m-4" />
      {events.loading && (
        <div className="px-4">
          <Skeleton lines={2} />
        </div>
      )}
      {events.data && items.length === 0 && <p className="p-4 text-ink-3">Nothing is noted about it yet.</p>}
      <ul className="@container divide-y">
        {items.map((e) => (
          <Row key={e.id} event={e} hideSandbox />
        ))}
      </ul>
    </Card>
  );
}
