"use client";

import { CircleCheck, CircleSlash, Users } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Confirm } from "@/components/ui/dialog";
import { Empty, Skeleton } from "@/components/ui/empty";
import { ProblemBox } from "@/components/ui/problem";
import { api, newKey, ok, type Schemas } from "@/lib/api";
import { plural } from "@/lib/format";
import { useResource, type Resource } from "@/lib/live";
import { ofOperation } from "@/lib/concerns";
import { hrefs } from "@/lib/routes";
import { operationTone, words } from "@/lib/tones";

type Redeployed = Schemas["EnvironmentRedeployed"];
const link = "text-accent-text underline-offset-2 hover:underline";

/** Usage says which sandboxes use an environment, what runs in them with which version, and restarts what is behind. */
export function Usage({ name, usage }: { name: string; usage: Resource<Schemas["EnvironmentUsage"]> }) {
  const [confirming, setConfirming] = useState(false);
  const [result, setResult] = useState<Redeployed>();
  const { data } = usage;
  if (!data) return usage.problem ? <ProblemBox problem={usage.problem} /> : <Skeleton />;
  const behind = data.services.filter((s) => s.behind);
  if (data.sandboxes.length === 0)
    return (
      <Empty icon={Users} title="No sandbox uses it">
        A sandbox names its environment in its settings, or as <code className="font-mono text-xs">environment: {name}</code> in
        sandbox.yaml.
      </Empty>
    );
  return (
    <div className="space-y-4">
      <ProblemBox problem={usage.problem} />
      {result && <Result result={result} />}
      <Card
        flush
        title={`${plural(data.sandboxes.length, "sandbox", "sandboxes")}, ${plural(data.services.length, "running service")}`}
        actions={
          behind.length > 0 && (
            <Button size="small" look="primary" onClick={() => setConfirming(true)}>
              Restart what is behind
            </Button>
          )
        }
      >
        <ul className="divide-y">
          {data.sandboxes.map((s) => (
            <OfSandbox key={s} sandbox={s} newest={data.version} services={data.services.filter((u) => u.sandbox === s)} />
          ))}
        </ul>
      </Card>
      <Confirm
        open={confirming}
        onOpenChange={setConfirming}
        title="Restart what is behind"
        verb={`Restart ${plural(behind.length, "service")}`}
        run={async () => {
          setResult(
            await ok(
              api.POST("/api/v1/environments/{environment}/redeploy", {
                params: { path: { environment: name }, header: { "Idempotency-Key": newKey() } },
                body: {},
              }),
            ),
          );
          void usage.reload();
        }}
      >
        <p>
          Each gets a new container of the image it runs now, with version {data.version} of {name}. The old one answers until the
          new one is healthy, so nothing is interrupted.
        </p>
        <ul className="max-h-56 list-disc space-y-0.5 overflow-y-auto pl-5">
          {behind.map((s) => (
            <li key={s.sandbox + s.service}>
              <b>{s.service}</b> in {s.sandbox}, which {s.owner} owns
            </li>
          ))}
        </ul>
      </Confirm>
    </div>
  );
}

function OfSandbox({ sandbox, newest, services }: { sandbox: string; newest: number; services: Schemas["EnvironmentUser"][] }) {
  return (
    <li className="grid gap-x-4 gap-y-1 px-4 py-2.5 sm:grid-cols-[12rem_minmax(0,1fr)]">
      <div>
        <Link href={hrefs.sandbox(sandbox)} prefetch={false} className={`${link} font-medium wrap-anywhere`}>
          {sandbox}
        </Link>
        {services[0] && <p className="text-xs text-ink-3">owned by {services[0].owner}</p>}
      </div>
      {services.length === 0 ? (
        <p className="text-ink-3">nothing runs in it</p>
      ) : (
        <ul className="space-y-2 sm:space-y-1">
          {services.map((s) => (
            <li key={s.service} className="flex flex-wrap items-center gap-x-3 gap-y-1">
              <span className="basis-full font-medium sm:min-w-32 sm:basis-auto">{s.service}</span>
              <span className="text-ink-2">
                {s.runs ? (
                  <>
                    runs with{" "}
                    <Link prefetch={false} className="font-mono text-xs hover:underline" href={hrefs.deployment(s.deployment)}>
                      {s.runs}
                    </Link>
                  </>
                ) : (
                  "runs without an environment"
                )}
              </span>
              {s.behind ? (
                <Badge tone="warn">behind: would get {s.version}</Badge>
              ) : (
                <Badge tone="ok">{s.version === newest ? "up to date" : "as pinned"}</Badge>
              )}
              {s.pinned && (
                <Badge title="The sandbox stays at that version, whatever is changed here">pinned to {s.version}</Badge>
              )}
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

/** Result follows what a redeploy started, and says what it could not. */
function Result({ result }: { result: Redeployed }) {
  const { operations, refused } = result;
  return (
    <Card
      title={`Restarting with version ${result.version}: ${operations.length} started${refused.length > 0 ? `, ${refused.length} not` : ""}`}
    >
      {operations.length + refused.length === 0 && <p className="text-ink-2">Nothing is behind any more.</p>}
      <ul className="space-y-1.5">
        {operations.map((o) => (
          <Started key={o.id} operation={o} />
        ))}
        {refused.map((r) => (
          <li key={r.sandbox + r.service} className="flex gap-2">
            <CircleSlash aria-hidden className="mt-0.5 size-4 shrink-0 text-warn-text" />
            <p className="min-w-0 break-words">
              <b>{r.service}</b> in {r.sandbox} was not restarted: {r.detail}.
              {r.remedy && <span className="text-ink-2"> What to do: {r.remedy}.</span>}
            </p>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Started({ operation }: { operation: Schemas["Operation"] }) {
  const now = useResource(
    `operation ${operation.id}`,
    (signal) => ok(api.GET("/api/v1/operations/{id}", { params: { path: { id: operation.id } }, signal })),
    ofOperation(operation.id, operation.sandbox),
  );
  const o = now.data ?? operation;
  return (
    <li className="flex flex-wrap items-center gap-x-2 gap-y-1">
      <CircleCheck aria-hidden className="size-4 shrink-0 text-ink-3" />
      <span>
        <b>{o.service}</b> in {o.sandbox}
      </span>
      <Badge tone={operationTone(o.state)} dot>
        {words(o.state)}
      </Badge>
      <Link prefetch={false} className={`${link} font-mono text-xs`} href={hrefs.operation(o.id)}>
        {o.id}
      </Link>
      {o.failure && (
        <p className="basis-full pl-6 text-bad-text">
          {o.failure.detail}
          {o.failure.remedy && <>; {o.failure.remedy}</>}
        </p>
      )}
    </li>
  );
}
