"use client";

import { ArrowLeft, GitBranch, Rocket, RotateCw, Search } from "lucide-react";
import { useMemo, useState } from "react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, Facts } from "@/components/ui/card";
import { CopyButton } from "@/components/ui/copy";
import { Empty, Skeleton } from "@/components/ui/empty";
import { Ago, External, Slashed } from "@/components/ui/facts";
import { Field, Input } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { api, ok, type Schemas } from "@/lib/api";
import { plural, shortSHA, time } from "@/lib/format";
import { useResource } from "@/lib/live";
import { DeployTo } from "./deploy-to";
import { RunningList, type Repository, type Running } from "./repository-row";

interface Props {
  repository: Repository;
  sandboxes: Schemas["Sandbox"][];
  running: Running[];
  search: string;
  onSearch: (search: string) => void;
  onClose: () => void;
}

const page = 50; // branches shown before one asks for more

/** RepositoryDetail is one repository: how it is built and reached, and its branches, newest commit first. */
export function RepositoryDetail({ repository: r, sandboxes, running, search, onSearch, onClose }: Props) {
  const [shown, setShown] = useState(page);
  const [deploying, setDeploying] = useState<string>();
  const branches = useResource(`branches ${r.name}`, (signal) =>
    ok(api.GET("/api/v1/repositories/{repository}/branches", { params: { path: { repository: r.name } }, signal })),
  );
  const sorted = useMemo(
    () => (branches.data?.items ?? []).toSorted((a, b) => (time(b.committedAt) ?? 0) - (time(a.committedAt) ?? 0)),
    [branches.data],
  );
  const needle = search.toLowerCase();
  const found = sorted.filter((b) =>
    [b.name, b.author ?? "", b.subject ?? "", b.sha].some((t) => t.toLowerCase().includes(needle)),
  );
  return (
    <>
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <Button look="quiet" size="small" onClick={onClose}>
          <ArrowLeft aria-hidden className="size-3.5" /> All repositories
        </Button>
        <h2 className="text-lg font-semibold wrap-anywhere">{r.name}</h2>
        <Badge>{r.kind === "go" ? "Go" : "Dockerfile"}</Badge>
        {r.gateway && <Badge tone="info">gateway</Badge>}
      </div>
      <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,2fr)_minmax(18rem,1fr)]">
        <Card
          flush
          title={
            <>
              Branches{" "}
              {branches.data && (
                <span className="font-normal text-ink-3">
                  {found.length === sorted.length ? sorted.length : `${found.length} of ${sorted.length}`}
                </span>
              )}
            </>
          }
          actions={
            <Button size="small" look="quiet" onClick={() => void branches.reload()}>
              <RotateCw aria-hidden className="size-3.5" /> Ask git again
            </Button>
          }
        >
          <div className="relative border-b px-4 py-2.5">
            <Search aria-hidden className="pointer-events-none absolute top-5 left-7 size-4 text-ink-3" />
            <Field label="Search branches" hideLabel>
              <Input
                type="search"
                className="pl-9"
                placeholder="Search branches: name, author, subject, commit"
                value={search}
                onChange={(e) => onSearch(e.target.value)}
              />
            </Field>
          </div>
          <ProblemBox problem={branches.problem} title="The branches could not be read" className="m-4" />
          {branches.loading && (
            <div className="px-4">
              <Skeleton lines={5} label="Asking the git server" />
            </div>
          )}
          {branches.data && found.length === 0 && (
            <div className="p-4">
              <Empty icon={GitBranch} title={sorted.length === 0 ? "The git server has no branch" : "No branch matches"}>
                {sorted.length === 0 ? "Push one, then ask git again." : undefined}
              </Empty>
            </div>
          )}
          <ul aria-label={`Branches of ${r.name}`} className="divide-y">
            {found.slice(0, shown).map((b) => (
              <BranchRow
                key={b.name}
                branch={b}
                running={running.filter((u) => u.branch === b.name)}
                onDeploy={() => setDeploying(b.name)}
              />
            ))}
          </ul>
          {found.length > shown && (
            <div className="border-t p-3 text-center">
              <Button size="small" onClick={() => setShown(shown + page)}>
                Show more of {plural(found.length, "branch", "branches")}
              </Button>
            </div>
          )}
        </Card>
        <div className="space-y-4">
          <Card title="How it is built and reached">
            <Facts
              items={[
                ["Node", `${r.node} (${r.nodeType})`],
                [
                  "Remote",
                  <External key="r" href={r.remoteURL} className="font-mono text-xs wrap-anywhere">
                    <Slashed text={r.remoteURL} />
                  </External>,
                ],
                ["Built", r.kind === "go" ? "go build on the node" : "from its Dockerfile"],
                ["Port", String(r.port)],
                [
                  "Health",
                  r.health ? (
                    <code key="h" className="font-mono text-xs">
                      {r.health}
                    </code>
                  ) : (
                    "an open port is enough"
                  ),
                ],
                [
                  "OCP",
                  r.ocp ? (
                    <External key="o" href={r.ocp} className="font-mono text-xs wrap-anywhere">
                      <Slashed text={r.ocp} />
                    </External>
                  ) : (
                    "answers only where it is deployed"
                  ),
                ],
              ]}
            />
          </Card>
          <Card title="Runs in">
            {running.length === 0 ? (
              <p className="text-ink-3">No sandbox. Deploy a branch of it from the list.</p>
            ) : (
              <RunningList running={running} />
            )}
          </Card>
        </div>
      </div>
      {deploying !== undefined && (
        <DeployTo repository={r} branch={deploying} sandboxes={sandboxes} onClose={() => setDeploying(undefined)} />
      )}
    </>
  );
}

function BranchRow({ branch: b, running, onDeploy }: { branch: Schemas["Branch"]; running: Running[]; onDeploy: () => void }) {
  return (
    <li className="grid grid-cols-[minmax(0,1fr)_auto] items-start gap-x-4 gap-y-1 px-4 py-2.5">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-x-2">
          <span className="font-mono text-xs font-semibold wrap-anywhere">{b.name}</span>
          <CopyButton text={b.name} label={`Copy the name of ${b.name}`} />
        </p>
        <p className="truncate text-ink-2" title={b.subject}>
          {b.subject || <span className="text-ink-3">no subject known</span>}
        </p>
        <p className="text-xs text-ink-3">
          <span className="font-mono">{shortSHA(b.sha)}</span>
          {b.author && <> · {b.author}</>}
          {b.committedAt && (
            <>
              {" "}
              · <Ago at={b.committedAt} />
            </>
          )}
        </p>
        {running.length > 0 && (
          <div className="mt-1.5 rounded-md bg-sunken px-2.5 py-1.5 text-xs">
            <p className="text-ink-3">
              Runs in {running.some((u) => u.sha !== b.sha) && "(another commit of it, where the commits differ)"}
            </p>
            <RunningList running={running} />
          </div>
        )}
      </div>
      <Button size="small" onClick={onDeploy}>
        <Rocket aria-hidden className="size-3.5" /> Deploy<span className="sr-only"> {b.name} to a sandbox</span>
      </Button>
    </li>
  );
}
