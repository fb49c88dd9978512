"use client";

import { FolderGit2 } from "lucide-react";
import { useMemo } from "react";
import { Snippet } from "@/components/node/add-node";
import { PageHeader } from "@/components/ui/card";
import { Empty, Skeleton } from "@/components/ui/empty";
import { Field, Input } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { all, api, ok } from "@/lib/api";
import { ofSandbox } from "@/lib/concerns";
import { plural } from "@/lib/format";
import { useResource } from "@/lib/live";
import { useQuery } from "@/lib/use-query";
import { RepositoryDetail } from "./repository-detail";
import { RepositoryRow, runningOf } from "./repository-row";

const yaml = `repositories:
  - name: account
    path: /home/deploy/AppGolang/account   # a clone
    kind: go
    build: ./cmd/account
    port: 8080
    health: /healthz
    ocp: https://account.apps.example.com`;

/** RepositoryPage lists the repositories there are, and of the chosen one its branches. */
export function RepositoryPage() {
  const { values, set } = useQuery("repository", "search", "branch", "show");
  const repositories = useResource(
    "repositories",
    (signal) => ok(api.GET("/api/v1/repositories", { signal })),
    (e) => e.topic === "nodes",
  );
  const sandboxes = useResource(
    "sandboxes",
    (signal) => all((cursor) => ok(api.GET("/api/v1/sandboxes", { params: { query: { cursor, limit: 200 } }, signal }))),
    ofSandbox(),
  );
  const items = repositories.data?.items ?? [];
  const running = useMemo(() => runningOf(sandboxes.data ?? []), [sandboxes.data]);
  const search = values.search.toLowerCase();
  const shown = items.filter((r) => [r.name, r.node, r.remoteURL].some((t) => t.toLowerCase().includes(search)));
  const chosen = items.find((r) => r.name === values.repository);
  return (
    <>
      <PageHeader title="Repositories and branches">What can be deployed, from which node, and where it runs now.</PageHeader>
      <ProblemBox problem={repositories.problem ?? sandboxes.problem} className="mb-4" />
      {repositories.loading && <Skeleton lines={6} />}
      {repositories.data && items.length === 0 && (
        <Empty icon={FolderGit2} title="No repository yet">
          <p>
            Clone one on a node, name it in that node&apos;s configuration, and restart its worker. It appears here by itself.
          </p>
          <div className="mt-3 text-left">
            <Snippet text={yaml} />
          </div>
          <p className="mt-2 text-xs">All keys are in docs/configuration.md, under node.yaml.</p>
        </Empty>
      )}
      {values.repository && repositories.data && !chosen && (
        <Empty title="There is no such repository">
          It may have been taken out of its node&apos;s configuration. Choose one below.
        </Empty>
      )}
      {chosen && (
        <RepositoryDetail
          key={chosen.name}
          repository={chosen}
          sandboxes={sandboxes.data ?? []}
          running={running.get(chosen.name) ?? []}
          search={values.branch}
          onSearch={(branch) => set({ branch })}
          onClose={() => set({ repository: "", branch: "" }, true)}
        />
      )}
      {!chosen && items.length > 0 && (
        <>
          <div className="mb-4 flex flex-wrap items-center gap-3">
            <Field label="Search repositories" hideLabel className="w-full sm:w-80">
              <Input
                type="search"
                placeholder="Search repositories"
                value={values.search}
                onChange={(e) => set({ search: e.target.value })}
              />
            </Field>
            <p className="text-ink-3">
              {shown.length === items.length
                ? plural(items.length, "repository", "repositories")
                : `${shown.length} of ${items.length}`}
            </p>
          </div>
          {shown.length === 0 && <Empty icon={FolderGit2} title="No repository matches" />}
          {shown.length > 0 && (
            <ul className="divide-y rounded-xl border bg-surface">
              {shown.map((r) => (
                <RepositoryRow
                  key={r.name}
                  repository={r}
                  running={running.get(r.name) ?? []}
                  onOpen={() => set({ repository: r.name, branch: "" }, true)}
                />
              ))}
            </ul>
          )}
        </>
      )}
    </>
  );
}
