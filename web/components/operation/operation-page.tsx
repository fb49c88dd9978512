"use client";

import { Ban, ChevronRight, SearchX } from "lucide-react";
import Link from "next/link";
import { useEffect, useState } from "react";
import { OperationAudit } from "@/components/audit/operation-audit";
import { FailureSummary } from "@/components/deployment/failure";
import { TemporalLink } from "@/components/deployment/head";
import { Cancelled, Notice } from "@/components/deployment/notices";
import { useTicking } from "@/components/deployment/use-deployment";
import { Badge } from "@/components/ui/badge";
import { Button, ButtonLink } from "@/components/ui/button";
import { Card, PageHeader } from "@/components/ui/card";
import { Confirm } from "@/components/ui/dialog";
import { Empty, Skeleton } from "@/components/ui/empty";
import { Ago, External } from "@/components/ui/facts";
import { ProblemBox } from "@/components/ui/problem";
import { api, newKey, ok, type Schemas } from "@/lib/api";
import { ofOperation } from "@/lib/concerns";
import { duration, time } from "@/lib/format";
import { useResource } from "@/lib/live";
import { hrefs, safeHref } from "@/lib/routes";
import { operationTone, words } from "@/lib/tones";
import { Parts } from "./parts";

type Operation = Schemas["Operation"];

/** OperationPage shows a change of a sandbox that is more than one deployment, or none. */
export function OperationPage({ id }: { id: string }) {
  const [sandbox, setSandbox] = useState<string>();
  const {
    data: o,
    problem,
    loading,
    reload,
  } = useResource(
    id ? `operation/${id}` : null,
    async (signal) => {
      const operation = await ok(api.GET("/api/v1/operations/{id}", { params: { path: { id } }, signal }));
      setSandbox(operation.sandbox);
      return operation;
    },
    ofOperation(id, sandbox),
  );
  if (o) return <Shown operation={o} reload={reload} />;
  return (
    <>
      <PageHeader title="Operation" />
      {!id ? (
        <Empty
          icon={SearchX}
          title="No operation is named"
          action={
            <ButtonLink href={hrefs.overview()} look="primary">
              To the sandboxes
            </ButtonLink>
          }
        >
          The address needs ?id= and the ID of an operation. Each sandbox lists its own.
        </Empty>
      ) : loading ? (
        <Skeleton lines={6} />
      ) : (
        <ProblemBox problem={problem}>
          <ButtonLink href={hrefs.audit()} size="small" className="mt-1">
            To the audit
          </ButtonLink>
        </ProblemBox>
      )}
    </>
  );
}

function Shown({ operation: o, reload }: { operation: Operation; reload: () => Promise<void> }) {
  const over = o.settled;
  const now = useTicking(!over, 0, 500);
  const took = (time(o.finishedAt) ?? now) - (time(o.createdAt) ?? now);
  useEffect(() => {
    document.title = `${o.title} · SDP`;
  }, [o.title]);
  return (
    <>
      <PageHeader
        actions={!over && <CancelOperation operation={o} reload={reload} />}
        title={
          <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <span className="min-w-0 wrap-anywhere">{o.title}</span>
            <Badge tone={operationTone(o.state)} dot>
              {words(o.state)}
            </Badge>
          </span>
        }
      >
        <ul className="flex flex-wrap items-center gap-x-4 gap-y-1">
          <li>
            {o.kind === "delete" && o.state === "SUCCEEDED" ? (
              o.sandbox
            ) : (
              <Link className="text-accent-text underline-offset-2 hover:underline" href={hrefs.sandbox(o.sandbox)}>
                {o.sandbox}
              </Link>
            )}
          </li>
          <li>
            by <b className="font-medium text-ink">{o.requestedBy}</b>, <Ago at={o.createdAt} />
          </li>
          <li className="tabular-nums">
            <span className="sr-only">Total time </span>
            <b className="font-medium text-ink">{duration(Math.max(0, took))}</b>
          </li>
          {o.source && <li className="min-w-0 break-words">to {o.source === "ocp" ? "OCP" : o.source}</li>}
          {o.url && (
            <li className="min-w-0 wrap-anywhere">{safeHref(o.url) ? <External href={o.url}>{o.url}</External> : o.url}</li>
          )}
          <li>
            <TemporalLink url={o.temporalURL} />
          </li>
        </ul>
      </PageHeader>
      {o.failure && (o.state === "CANCELLED" ? <Cancelled failure={o.failure} /> : <FailureSummary failure={o.failure} />)}
      {o.cancelling && !over && (
        <Notice busy>
          <b className="font-semibold">Cancelling.</b>{" "}
          {o.waitingFor ? `Waiting for ${o.waitingFor}.` : "Waiting for the nodes to confirm that nothing of it runs."}
        </Notice>
      )}
      {o.state === "QUEUED" && !o.cancelling && (
        <Notice>{o.waitingFor ? `Waits for ${o.waitingFor}.` : "Waits for its turn."} It goes on by itself.</Notice>
      )}
      <div className="space-y-5">
        {o.parts && <Parts operation={o} now={now} />}
        {o.kind === "delete" && o.state === "SUCCEEDED" && (
          <Card title="Gone">
            <p>
              {o.sandbox} and all that ran for it are gone; its port and name are free. The audit keeps what happened.{" "}
              <Link
                className="inline-flex items-center text-accent-text underline-offset-2 hover:underline"
                href={hrefs.history(o.sandbox)}
              >
                Its history <ChevronRight aria-hidden className="size-3.5" />
              </Link>
            </p>
          </Card>
        )}
        <OperationAudit id={o.id} topic={`sandbox/${o.sandbox}`} />
      </div>
    </>
  );
}

/** CancelOperation is there only while the API would take a cancel: some operations cannot be undone halfway. */
function CancelOperation({ operation: o, reload }: { operation: Operation; reload: () => Promise<void> }) {
  const [open, setOpen] = useState(false);
  const [sent, setSent] = useState(false);
  const asked = sent || !!o.cancelling;
  if (!asked && !o.cancellable) return null;
  const cancel = async () => {
    await ok(
      api.POST("/api/v1/operations/{id}/cancel", { params: { path: { id: o.id }, header: { "Idempotency-Key": newKey() } } }),
    );
    setSent(true);
    await reload();
  };
  return (
    <>
      <Button look="danger" busy={asked} onClick={() => setOpen(true)}>
        {!asked && <Ban aria-hidden className="size-4" />}
        {asked ? "Cancelling" : "Cancel"}
      </Button>
      <Confirm open={open} onOpenChange={setOpen} title="Cancel this operation?" verb="Cancel operation" danger run={cancel}>
        <p>
          What of it still runs is stopped. It counts as cancelled when every node concerned has confirmed that nothing of it runs
          any more.
        </p>
      </Confirm>
    </>
  );
}
