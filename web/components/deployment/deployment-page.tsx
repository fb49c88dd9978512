"use client";

import { SearchX } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { OperationAudit } from "@/components/audit/operation-audit";
import { LogView } from "@/components/logs/log-view";
import { ButtonLink } from "@/components/ui/button";
import { Card, PageHeader } from "@/components/ui/card";
import { Empty, Skeleton } from "@/components/ui/empty";
import { ProblemBox } from "@/components/ui/problem";
import { shortSHA } from "@/lib/format";
import { hrefs } from "@/lib/routes";
import { CancelButton, RedeployButton } from "./actions";
import { FailureSummary } from "./failure";
import { Gantt } from "./gantt";
import { DeploymentHead } from "./head";
import { Cancelled, Cancelling, Waiting } from "./notices";
import { Superseded, useWatched } from "./superseded";
import { useDeployment, useNewer, useTicking, type Deployment } from "./use-deployment";
import { pendingSteps } from "./words";

/** DeploymentPage shows one deployment as it runs, and how it ended. */
export function DeploymentPage({ id }: { id: string }) {
  const { data, problem, loading, reload } = useDeployment(id);
  if (!id) return <Missing />;
  if (!data) {
    return (
      <>
        <PageHeader title="Deployment" />
        {loading ? (
          <Skeleton lines={8} />
        ) : (
          <ProblemBox problem={problem}>
            <ButtonLink href={hrefs.history()} size="small" className="mt-1">
              To the history
            </ButtonLink>
          </ProblemBox>
        )}
      </>
    );
  }
  return <Shown deployment={data.deployment} skew={data.skew} reload={reload} />;
}

function Missing() {
  return (
    <>
      <PageHeader title="Deployment" />
      <Empty
        icon={SearchX}
        title="No deployment is named"
        action={
          <ButtonLink href={hrefs.history()} look="primary">
            To the history
          </ButtonLink>
        }
      >
        The address needs ?id= and the ID of a deployment. The history lists all of them.
      </Empty>
    </>
  );
}

function Shown({ deployment: d, skew, reload }: { deployment: Deployment; skew: number; reload: () => Promise<void> }) {
  const [asked, setAsked] = useState(false);
  const [seek, setSeek] = useState<{ text: string }>();
  const log = useRef<HTMLDivElement>(null);
  const now = useTicking(!d.settled, skew);
  const cancelling = !d.settled && (asked || !!d.cancelling);
  const newer = useNewer(d);
  useWatched(d);
  const title = `${d.service} ${d.branch || shortSHA(d.sha)}`;

  useEffect(() => {
    document.title = `${title} · SDP`;
  }, [title]);
  const steps = d.steps?.length ? d.steps : pendingSteps;
  return (
    <>
      <DeploymentHead
        deployment={d}
        newer={newer}
        cancelling={cancelling}
        now={now}
        actions={
          d.settled ? (
            <RedeployButton deployment={d} />
          ) : (
            <CancelButton
              deployment={d}
              cancelling={cancelling}
              onCancelled={() => {
                setAsked(true);
                void reload();
              }}
            />
          )
        }
      />
      {d.supersededBy && <Superseded deployment={d} by={d.supersededBy} />}
      {d.failure && d.state === "CANCELLED" && !d.supersededBy && <Cancelled failure={d.failure} />}
      {d.failure && d.state !== "CANCELLED" && (
        <FailureSummary
          failure={d.failure}
          onShow={(text) => {
            setSeek({ text });
            log.current?.scrollIntoView({ block: "start" });
          }}
        />
      )}
      {cancelling ? <Cancelling deployment={d} now={now} /> : <Waiting deployment={d} />}
      <div className="space-y-5">
        <Card title="Steps">
          <Gantt steps={steps} now={now} />
        </Card>
        <div ref={log} className="scroll-mt-18">
          <h2 className="sr-only">Log</h2>
          <LogView
            stream={`/api/v1/deployments/${encodeURIComponent(d.id)}/logs/stream`}
            download={`/api/v1/deployments/${encodeURIComponent(d.id)}/logs`}
            seek={seek}
          />
        </div>
        <OperationAudit id={d.id} topic={`deployment/${d.id}`} />
      </div>
    </>
  );
}
