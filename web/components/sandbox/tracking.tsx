"use client";

import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/empty";
import { Ago, Commit } from "@/components/ui/facts";
import { ProblemBox } from "@/components/ui/problem";
import { useToast } from "@/components/ui/toast";
import { api, newKey, ok, type Schemas } from "@/lib/api";
import { ofSandbox } from "@/lib/concerns";
import { useAction, useResource } from "@/lib/live";
import { TrackingCredential } from "./tracking-credential";

type Tracked = Schemas["TrackedService"];

/** Tracking says which branches of a sandbox are deployed again when they move, and switches it per service. */
export function Tracking({ sandbox, reload }: { sandbox: Schemas["Sandbox"]; reload: () => void }) {
  const watched = useResource(
    `tracking/${sandbox.name}`,
    async (signal) =>
      (await ok(api.GET("/api/v1/tracking", { params: { query: { sandbox: sandbox.name } }, signal }))).items ?? [],
    ofSandbox(sandbox.name),
  );
  const changed = () => {
    reload();
    void watched.reload();
  };
  return (
    <Card flush title="Tracking">
      <div className="space-y-4 p-4">
        <p className="max-w-prose text-ink-2">
          A tracked service is deployed again by itself whenever its branch moves on the git server. No webhook is needed.
        </p>
        <TrackingCredential owner={sandbox.owner} onChanged={changed} />
        <ProblemBox problem={watched.problem} />
      </div>
      {!watched.data && !watched.problem && (
        <div className="px-4 pb-4">
          <Skeleton lines={2} />
        </div>
      )}
      {watched.data?.length === 0 && (
        <p className="border-t p-4 text-ink-2">
          No service of {sandbox.name} runs a branch yet: deploy one, and it can be tracked here.
        </p>
      )}
      {watched.data && watched.data.length > 0 && (
        <ul className="divide-y border-t">
          {watched.data.map((t) => (
            <TrackedRow key={t.service} sandbox={sandbox.name} tracked={t} onChanged={changed} />
          ))}
        </ul>
      )}
    </Card>
  );
}

function TrackedRow({ sandbox, tracked: t, onChanged }: { sandbox: string; tracked: Tracked; onChanged: () => void }) {
  const toast = useToast();
  const set = useAction(async (track: boolean) => {
    await ok(
      api.PUT("/api/v1/sandboxes/{name}/services/{service}/track", {
        params: { path: { name: sandbox, service: t.service }, header: { "Idempotency-Key": newKey() } },
        body: { track },
      }),
    );
    toast(track ? `${t.service} is deployed again whenever ${t.branch} moves.` : `${t.service} is not tracked any more.`);
    onChanged();
  });
  return (
    <li className="space-y-2 px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-56">
          <p className="flex flex-wrap items-center gap-2">
            <span className="font-medium">{t.service}</span>
            <Commit branch={t.branch} sha={t.serving} />
            <State tracked={t} />
          </p>
          {why(t) && <p className="mt-0.5 text-xs text-ink-2">{why(t)}</p>}
          {t.branchGone && (
            <p className="mt-0.5 text-xs text-warn-text">
              The git server has not had this branch since <Ago at={t.branchGone} />. What runs stays; deploy another branch, or
              delete the sandbox.
            </p>
          )}
          {t.checkedAt && (
            <p className="mt-0.5 text-xs text-ink-3">
              last looked <Ago at={t.checkedAt} />
            </p>
          )}
        </div>
        <Button size="small" busy={set.busy} onClick={() => void set.act(!t.track)}>
          {t.track ? `Stop tracking ${t.service}` : `Track ${t.service}`}
        </Button>
      </div>
      <ProblemBox problem={set.problem} />
    </li>
  );
}

function State({ tracked: t }: { tracked: Tracked }) {
  if (t.branchGone)
    return (
      <Badge tone="warn" dot>
        branch gone
      </Badge>
    );
  if (!t.track) return <Badge tone="idle">not tracked</Badge>;
  if (t.problem || !t.watched)
    return (
      <Badge tone="warn" dot>
        not watched
      </Badge>
    );
  return t.idle ? (
    <Badge tone="warn" dot>
      left alone
    </Badge>
  ) : (
    <Badge tone="ok" dot>
      tracked
    </Badge>
  );
}

function why(t: Tracked): string | undefined {
  if (t.problem) return t.problem;
  if (t.track && t.idle) return `Not deployed when the branch moves: ${t.idle}.`;
  if (t.track && !t.watched)
    return `${t.owner}, who owns the sandbox, has stored no git credentials that work: nobody can look at the branch.`;
  return undefined;
}
