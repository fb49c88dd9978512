"use client";

import Link from "next/link";
import { Badge } from "@/components/ui/badge";
import { Commit, Slashed } from "@/components/ui/facts";
import type { Schemas } from "@/lib/api";
import { plural } from "@/lib/format";
import { hrefs } from "@/lib/routes";

export type Repository = Schemas["Repository"];

/** Running is a sandbox that runs a repository's branch now. */
export interface Running {
  sandbox: string;
  owner: string;
  service: string;
  branch?: string;
  sha?: string;
}

/** runningOf says for each repository where it runs. */
export function runningOf(sandboxes: Schemas["Sandbox"][]): Map<string, Running[]> {
  const map = new Map<string, Running[]>();
  for (const b of sandboxes) {
    for (const s of b.services) {
      if (s.source !== "sandbox") continue;
      const repository = s.latest?.repository ?? s.name;
      const at = {
        sandbox: b.name,
        owner: b.owner,
        service: s.name,
        branch: s.serving?.branch ?? s.branch ?? s.latest?.branch,
        sha: s.serving?.sha,
      };
      map.set(repository, [...(map.get(repository) ?? []), at]);
    }
  }
  return map;
}

/** RepositoryRow is one repository in the list. */
export function RepositoryRow({
  repository: r,
  running,
  onOpen,
}: {
  repository: Repository;
  running: Running[];
  onOpen: () => void;
}) {
  return (
    <li className="relative grid gap-x-6 gap-y-1.5 px-4 py-3 first:rounded-t-xl last:rounded-b-xl hover:bg-sunken/60 lg:grid-cols-[minmax(0,1.2fr)_minmax(0,1fr)_minmax(0,1.6fr)]">
      <div className="min-w-0">
        <Link
          prefetch={false}
          href={hrefs.repositories(r.name)}
          onClick={(e) => {
            if (e.metaKey || e.ctrlKey || e.shiftKey) return;
            e.preventDefault();
            onOpen();
          }}
          className="font-medium wrap-anywhere after:absolute after:inset-0 hover:underline"
        >
          {r.name}
        </Link>
        <span className="ml-2 inline-flex gap-1.5 align-middle">
          <Badge>{r.kind === "go" ? "Go" : "Dockerfile"}</Badge>
          {r.gateway && <Badge tone="info">gateway</Badge>}
        </span>
        <p className="mt-0.5 font-mono text-xs wrap-anywhere text-ink-3">
          <Slashed text={r.remoteURL} />
        </p>
      </div>
      {r.problem ? (
        <p className="text-bad-text wrap-anywhere">
          cannot be used on {r.node}: {r.problem}
        </p>
      ) : (
        <p className="text-ink-2">
          on {r.node}, port {r.port}
          <span className="block text-xs text-ink-3">
            {r.health ? (
              <>
                healthy when <code className="font-mono">{r.health}</code> answers
              </>
            ) : (
              "healthy when its port is open"
            )}
            {r.ocp ? "; also in OCP" : "; not in OCP"}
          </span>
        </p>
      )}
      <div className="relative z-10 min-w-0">
        {running.length === 0 ? <p className="text-ink-3">runs in no sandbox</p> : <RunningList running={running} most={3} />}
      </div>
    </li>
  );
}

/** RunningList names sandboxes and the branch each runs. */
export function RunningList({ running, most = 100 }: { running: Running[]; most?: number }) {
  return (
    <ul className="space-y-0.5">
      {running.slice(0, most).map((u) => (
        <li key={u.sandbox + u.service} className="flex flex-wrap items-baseline gap-x-2">
          <Link prefetch={false} href={hrefs.sandbox(u.sandbox)} className="text-accent-text underline-offset-2 hover:underline">
            {u.sandbox}
          </Link>
          <Commit branch={u.branch} sha={u.sha} />
        </li>
      ))}
      {running.length > most && (
        <li className="text-xs text-ink-3">and {plural(running.length - most, "more sandbox", "more sandboxes")}</li>
      )}
    </ul>
  );
}
