"use client";

import { Checkbox } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { useToast } from "@/components/ui/toast";
import { api, newKey, ok, type Schemas } from "@/lib/api";
import { useAction } from "@/lib/live";

/** TrackSwitch says whether a service is deployed again whenever its branch moves. */
export function TrackSwitch({
  sandbox,
  service,
  onChanged,
}: {
  sandbox: string;
  service: Schemas["Service"];
  onChanged: () => void;
}) {
  const toast = useToast();
  const set = useAction(async (track: boolean) => {
    const after = await ok(
      api.PUT("/api/v1/sandboxes/{name}/services/{service}/track", {
        params: { path: { name: sandbox, service: service.name }, header: { "Idempotency-Key": newKey() } },
        body: { track },
      }),
    );
    const missing = track && after.attention?.some((a) => a.code.startsWith("tracking-"));
    toast(
      !track
        ? `${service.name} is not tracked any more.`
        : missing
          ? `${service.name} is tracked, but credentials are missing: see above.`
          : `${service.name} is deployed again whenever ${service.branch} moves.`,
    );
    onChanged();
  });
  return (
    <div className="mt-3 space-y-2">
      <Checkbox
        label={
          <>
            Track <span className="font-mono text-xs wrap-anywhere">{service.branch}</span>
          </>
        }
        hint="Deploys again by itself whenever the branch moves."
        checked={!!service.track}
        disabled={set.busy}
        onChange={(e) => void set.act(e.target.checked)}
      />
      <ProblemBox problem={set.problem} />
    </div>
  );
}
