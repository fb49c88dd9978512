"use client";

import { Ban, RotateCw } from "lucide-react";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { api, newKey, ok } from "@/lib/api";
import { shortSHA } from "@/lib/format";
import { hrefs } from "@/lib/routes";
import type { Deployment } from "./use-deployment";

/** CancelButton asks, and then has the deployment undone; that it is over is shown once the node has said so. */
export function CancelButton({
  deployment: d,
  cancelling,
  onCancelled,
}: {
  deployment: Deployment;
  cancelling: boolean;
  onCancelled: () => void;
}) {
  const [open, setOpen] = useState(false);
  const cancel = async () => {
    await ok(
      api.POST("/api/v1/deployments/{id}/cancel", { params: { path: { id: d.id }, header: { "Idempotency-Key": newKey() } } }),
    );
    onCancelled();
  };
  return (
    <>
      <Button look="danger" busy={cancelling} onClick={() => setOpen(true)}>
        {!cancelling && <Ban aria-hidden className="size-4" />}
        {cancelling ? "Cancelling" : "Cancel"}
      </Button>
      <Confirm open={open} onOpenChange={setOpen} title="Cancel this deployment?" verb="Cancel deployment" danger run={cancel}>
        <p>
          What it has started on {d.node} is stopped and removed. What served {d.service} before goes on serving; the sandbox
          stays as it was.
        </p>
        <p>It counts as cancelled when {d.node} has confirmed that nothing of it runs any more.</p>
      </Confirm>
    </>
  );
}

/** RedeployButton deploys the newest commit of the same branch, or the same commit where no branch was asked for. */
export function RedeployButton({ deployment: d }: { deployment: Deployment }) {
  const router = useRouter();
  const [open, setOpen] = useState(false);
  const redeploy = async () => {
    const what = d.branch ? { branch: d.branch } : { commit: d.sha };
    const { deployments } = await ok(
      api.POST("/api/v1/sandboxes/{name}/deployments", {
        params: { path: { name: d.sandbox }, header: { "Idempotency-Key": newKey() } },
        body: { services: [{ service: d.service, ...what }] },
      }),
    );
    const [first] = deployments ?? [];
    if (first) router.push(hrefs.deployment(first.id));
  };
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <RotateCw aria-hidden className="size-4" /> Redeploy
      </Button>
      <Confirm open={open} onOpenChange={setOpen} title={`Deploy ${d.service} again?`} verb="Redeploy" run={redeploy}>
        <p>
          {d.branch ? (
            <>
              The newest commit of <b className="font-mono text-xs">{d.branch}</b>
            </>
          ) : (
            <>
              Commit <b className="font-mono text-xs">{shortSHA(d.sha)}</b>
            </>
          )}{" "}
          goes to {d.service} in {d.sandbox}. What serves now goes on until the new container is healthy.
        </p>
      </Confirm>
    </>
  );
}
