"use client";

import { useRouter } from "next/navigation";
import { useEffect, useRef, useState } from "react";
import { valuesOf, type Pair } from "@/components/form/pairs";
import { PlanView } from "@/components/plan/plan-view";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Skeleton } from "@/components/ui/empty";
import { ProblemBox } from "@/components/ui/problem";
import { api, newKey, ok, type Schemas } from "@/lib/api";
import { cn } from "@/lib/cn";
import { plural } from "@/lib/format";
import { useAction, useResource } from "@/lib/live";
import { revision } from "@/lib/revision";
import { hrefs } from "@/lib/routes";
import { Choices } from "./choices";
import { Overrides, type SecretRow } from "./overrides";
import { deploying, keyError, only, type Choice } from "./planned";
import { Deployments } from "./started";

export interface DeployDialogProps {
  sandbox: Schemas["Sandbox"];
  /** Services chosen beforehand; none to choose in the dialog. */
  services?: string[];
  /** Branch to begin with for the services chosen beforehand; else what each runs now. */
  branch?: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** DeployDialog deploys branches of services to a sandbox: what, with what, the plan, go. */
export function DeployDialog(props: DeployDialogProps) {
  // It begins anew each time: nothing typed, least of all a secret, outlives it.
  return props.open ? <OpenDeployDialog {...props} /> : null;
}

const steps = ["What", "Plan", "Deployed"];

function OpenDeployDialog({ sandbox, services, branch, onOpenChange }: DeployDialogProps) {
  const router = useRouter();
  const repositories = useResource(
    "repositories",
    async (signal) => (await ok(api.GET("/api/v1/repositories", { signal }))).items ?? [],
  );
  const [choices, setChoices] = useState<Choice[]>(() => beginning(sandbox, services, branch));
  const [variables, setVariables] = useState<Pair[]>([]);
  const [secrets, setSecrets] = useState<SecretRow[]>([]);
  // The key belongs to the plan: deploying it twice, as after a lost answer, does nothing twice.
  const [planned, setPlanned] = useState<{ plan: Schemas["Plan"]; key: string }>();
  const [begun, setBegun] = useState<Schemas["Deployment"][]>();
  const stage = begun ? 2 : planned ? 1 : 0;
  const top = useStageFocus(stage);

  const names = choices.map((c) => c.service);
  const secretValues = Object.fromEntries(secrets.filter((s) => s.key.trim()).map((s) => [s.key.trim(), s.value]));
  const keys = [...variables.map((v) => v.key), ...secrets.map((s) => s.key)].map((k) => k.trim()).filter(Boolean);
  const twice = keys.find((k, i) => keys.indexOf(k) !== i);
  const ready = choices.every((c) => c.service && c.revision) && !keys.some(keyError) && twice === undefined;
  const gateways = new Set((repositories.data ?? []).filter((r) => r.gateway).map((r) => r.name));
  const blocked = (planned?.plan.problems?.length ?? 0) > 0;

  const look = useAction(async () => {
    // Pinned, so that the plan is about nothing but what is chosen.
    const now = await ok(
      api.GET("/api/v1/sandboxes/{name}/definition", { params: { path: { name: sandbox.name }, query: { pinned: true } } }),
    );
    const plan = await ok(api.POST("/api/v1/plans", { body: deploying(now, choices, valuesOf(variables), gateways) }));
    setPlanned({ plan: only(plan, names), key: newKey() });
  });
  const deploy = useAction(async () => {
    const { deployments } = await ok(
      api.POST("/api/v1/sandboxes/{name}/deployments", {
        params: { path: { name: sandbox.name }, header: { "Idempotency-Key": planned!.key } },
        body: {
          services: choices.map((c) => ({ service: c.service, ...revision(c.revision) })),
          env: valuesOf(variables),
          secrets: secretValues,
        },
      }),
    );
    setSecrets([]);
    const [first, ...others] = deployments ?? [];
    if (first && others.length === 0) {
      onOpenChange(false);
      router.push(hrefs.deployment(first.id));
    } else {
      setBegun(deployments ?? []);
    }
  });
  const back = () => {
    setPlanned(undefined);
    deploy.clear();
  };
  const submit = () => {
    if (stage === 0 && ready) void look.act();
    if (stage === 1 && !blocked) void deploy.act();
  };
  return (
    <Dialog
      wide
      open
      onOpenChange={onOpenChange}
      title={`Deploy to ${sandbox.name}`}
      footer={
        <>
          {stage === 0 && <Button onClick={() => onOpenChange(false)}>Cancel</Button>}
          {stage === 1 && <Button onClick={back}>Back</Button>}
          {stage === 0 && (
            <Button type="submit" form="deploy" look="primary" busy={look.busy} disabled={!ready}>
              Plan
            </Button>
          )}
          {stage === 1 && blocked && (
            <Button busy={look.busy} onClick={() => void look.act()}>
              Plan again
            </Button>
          )}
          {stage === 1 && (
            <Button type="submit" form="deploy" look="primary" busy={deploy.busy} disabled={blocked}>
              Deploy
            </Button>
          )}
          {stage === 2 && (
            <Button look="primary" onClick={() => onOpenChange(false)}>
              Done
            </Button>
          )}
        </>
      }
    >
      <form
        id="deploy"
        className="space-y-4"
        onSubmit={(e) => {
          e.preventDefault();
          submit();
        }}
      >
        <Stages stage={stage} />
        <div ref={top} tabIndex={-1} className="outline-none">
          {/* What was entered stays in the page, so that Back finds it; the height is for the list of branches. */}
          <div className={stage === 0 ? "min-h-[min(27rem,60dvh)] space-y-4" : "hidden"}>
            <ProblemBox problem={repositories.problem} />
            {repositories.loading && <Skeleton lines={3} />}
            {repositories.data && !begun && (
              <>
                <Choices sandbox={sandbox} repositories={repositories.data} choices={choices} onChange={setChoices} />
                <Overrides
                  sandbox={sandbox}
                  services={names.filter(Boolean)}
                  variables={variables}
                  onVariables={setVariables}
                  secrets={secrets}
                  onSecrets={setSecrets}
                />
                {twice !== undefined && (
                  <p role="alert" className="text-xs font-medium text-bad-text">
                    {twice} is given twice.
                  </p>
                )}
              </>
            )}
          </div>
          {stage === 1 && planned && (
            <section aria-label="Plan" className="space-y-4">
              <PlanView plan={planned.plan} />
              {Object.keys(secretValues).length > 0 && (
                <p className="text-xs text-ink-2">
                  {plural(Object.keys(secretValues).length, "secret is", "secrets are")} set besides:{" "}
                  {Object.keys(secretValues).join(", ")}
                </p>
              )}
            </section>
          )}
          {begun && (
            <div className="space-y-3">
              <p className="text-ink-2">
                {plural(begun.length, "deployment")} began side by side. You may close this: they go on, and the sandbox shows
                them.
              </p>
              <Deployments deployments={begun} />
            </div>
          )}
        </div>
        <ProblemBox problem={stage === 0 ? look.problem : (deploy.problem ?? look.problem)} />
      </form>
    </Dialog>
  );
}

function beginning(sandbox: Schemas["Sandbox"], services: string[] | undefined, branch: string | undefined): Choice[] {
  const names = services?.length ? services : [""];
  return names.map((service) => ({
    service,
    revision: branch ?? sandbox.services?.find((s) => s.name === service)?.branch ?? "",
  }));
}

/** useStageFocus moves the focus to what a step brought, so that keyboard and screen reader are there. */
function useStageFocus(stage: number) {
  const top = useRef<HTMLDivElement>(null);
  const last = useRef(stage);
  useEffect(() => {
    if (last.current !== stage) top.current?.focus();
    last.current = stage;
  }, [stage]);
  return top;
}

function Stages({ stage }: { stage: number }) {
  return (
    <ol aria-label="Progress" className="flex gap-1.5 text-xs">
      {steps.map((name, i) => (
        <li
          key={name}
          aria-current={i === stage ? "step" : undefined}
          className={cn(
            "flex-1 border-t-2 pt-1",
            i <= stage ? "border-accent" : "border-line",
            i === stage ? "font-medium text-ink" : "text-ink-3",
          )}
        >
          {i + 1}. {name}
        </li>
      ))}
    </ol>
  );
}
