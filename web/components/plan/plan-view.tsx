"use client";

import { ArrowRight, CircleCheck, CircleX } from "lucide-react";
import { Badge, type Tone } from "@/components/ui/badge";
import { CopyButton } from "@/components/ui/copy";
import { ProblemBox } from "@/components/ui/problem";
import type { Schemas } from "@/lib/api";
import { cn } from "@/lib/cn";
import { bytes, plural, shortSHA } from "@/lib/format";

type Plan = Schemas["Plan"];
type PlannedService = Schemas["PlannedService"];
type Difference = Schemas["Difference"];

/** PlanView shows all that applying a plan would do, before it is done; what prevents it stands on top. */
export function PlanView({ plan, className }: { plan: Plan; className?: string }) {
  const services = plan.services ?? [];
  const changing = services.filter((s) => s.action !== "none");
  const same = services.filter((s) => s.action === "none");
  return (
    <div className={cn("space-y-5", className)}>
      <PlanProblems problems={plan.problems ?? []} />
      {!plan.changes && !plan.problems?.length && (
        <p className="flex items-center gap-2 rounded-lg bg-ok-soft px-3 py-2 text-ok-text">
          <CircleCheck aria-hidden className="size-4" /> Nothing would change: it runs like this already.
        </p>
      )}
      {changing.length > 0 && (
        <Part title={plural(changing.length, "service changes", "services change")}>
          <ul className="divide-y rounded-lg border">
            {changing.map((s) => (
              <Service key={s.service} service={s} />
            ))}
          </ul>
        </Part>
      )}
      {same.length > 0 && <p className="text-xs text-ink-3">Stays as it is: {same.map((s) => s.service).join(", ")}</p>}
      <Differences title="Settings of the sandbox" items={plan.settings} />
      <Differences title="Environment" items={plan.environment} />
      <Nodes nodes={plan.nodes ?? []} />
      <Port plan={plan} />
    </div>
  );
}

function Part({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section className="space-y-2">
      <h3 className="text-xs font-semibold text-ink-2">{title}</h3>
      {children}
    </section>
  );
}

function PlanProblems({ problems }: { problems: Schemas["PlanProblem"][] }) {
  if (problems.length === 0) return null;
  return (
    <div className="space-y-2">
      {problems.map((p, i) => (
        <ProblemBox
          key={i}
          title={p.service ? `${p.service} cannot be deployed` : "This cannot be applied now"}
          problem={{ ...p, title: "", status: 0 }}
        />
      ))}
    </div>
  );
}

const actions: Record<string, { tone: Tone; label: string }> = {
  none: { tone: "idle", label: "unchanged" },
  deploy: { tone: "info", label: "deploy" },
  restart: { tone: "warn", label: "restart" },
  route: { tone: "ocp", label: "switch route" },
  remove: { tone: "bad", label: "remove" },
};

function Service({ service: s }: { service: PlannedService }) {
  const action = actions[s.action] ?? { tone: "idle", label: s.action };
  return (
    <li className="space-y-1.5 px-3 py-2.5">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="font-medium">{s.service}</span>
        <Badge tone={action.tone}>{action.label}</Badge>
        {s.action === "deploy" && (
          <Badge tone={s.cached ? "ok" : "idle"}>{s.cached ? "image there, no build" : "will be built"}</Badge>
        )}
        {s.node && <span className="text-xs text-ink-3">on {s.node}</span>}
      </div>
      {(s.fromSHA || s.sha) && (
        <p className="flex flex-wrap items-center gap-x-2 font-mono text-xs">
          {s.branch && <span className="wrap-anywhere">{s.branch}</span>}
          <Change from={shortSHA(s.fromSHA) || "nothing"} to={shortSHA(s.sha) || "nothing"} />
        </p>
      )}
      {s.route && s.fromRoute !== s.route && (
        <p className="flex flex-wrap items-center gap-x-2 text-xs">
          <span className="text-ink-3">Route</span> <Change from={routeName(s.fromRoute)} to={routeName(s.route)} />
        </p>
      )}
      {s.vanished && (
        <p className="text-xs text-warn-text">The repository does not have this commit any more; only its cached image works.</p>
      )}
      {s.why && s.why.length > 0 && (
        <ul className="text-xs text-ink-2">
          {s.why.map((w, i) => (
            <li key={i}>{w}</li>
          ))}
        </ul>
      )}
      {s.settings && s.settings.length > 0 && <DifferenceList items={s.settings} />}
    </li>
  );
}

function routeName(route: string | undefined) {
  if (!route) return "none";
  return route === "ocp" ? "OCP" : route;
}

function Change({ from, to }: { from: string; to: string }) {
  if (from === to) return <span className="wrap-anywhere">{to}</span>;
  return (
    <span className="inline-flex min-w-0 flex-wrap items-center gap-1.5">
      <span className="wrap-anywhere text-ink-3">{from}</span>
      <ArrowRight aria-label="becomes" className="size-3.5 shrink-0 text-ink-3" />
      <span className="wrap-anywhere">{to}</span>
    </span>
  );
}

function Differences({ title, items }: { title: string; items: Difference[] | null }) {
  if (!items?.length) return null;
  return (
    <Part title={title}>
      <div className="rounded-lg border px-3 py-2">
        <DifferenceList items={items} />
      </div>
    </Part>
  );
}

const marks: Record<string, { sign: string; tone: string }> = {
  added: { sign: "+", tone: "text-ok-text" },
  removed: { sign: "−", tone: "text-bad-text" },
  changed: { sign: "~", tone: "text-warn-text" },
};

/** DifferenceList shows what differs. Of a secret the API says only that it does. */
export function DifferenceList({ items }: { items: Difference[] }) {
  return (
    <ul className="space-y-1 text-xs">
      {items.map((d, i) => {
        const mark = marks[d.kind] ?? { sign: "~", tone: "" };
        return (
          <li key={i} className="flex min-w-0 gap-2">
            <span className={cn("w-3 shrink-0 text-center font-mono font-bold", mark.tone)} aria-hidden>
              {mark.sign}
            </span>
            <span className="min-w-0 break-words">
              <span className="text-ink-3">
                {d.what}
                {d.what === "expiry" && " (no effect yet)"}
              </span>{" "}
              {d.key && <b className="font-mono font-medium wrap-anywhere">{d.key}</b>}{" "}
              <span className={mark.tone}>{d.kind}</span>
              {d.before && d.after ? (
                <span className="ml-1.5 font-mono">
                  <Change from={d.before} to={d.after} />
                </span>
              ) : (
                <span className={cn("ml-1.5 font-mono wrap-anywhere", d.before && "line-through")}>{d.after || d.before}</span>
              )}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function Nodes({ nodes }: { nodes: Schemas["PlannedNode"][] }) {
  if (nodes.length === 0) return null;
  return (
    <Part title={plural(nodes.length, "node")}>
      <ul className="divide-y rounded-lg border">
        {nodes.map((n) => (
          <li key={n.node} className="space-y-2 px-3 py-2.5">
            <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
              <span className="font-medium">{n.node}</span>
              <Badge tone={n.alive ? "ok" : "bad"} dot>
                {n.alive ? "alive" : "not reachable"}
              </Badge>
              <span
                className={cn("text-xs tabular-nums", n.diskNeeded > n.diskFree ? "font-medium text-bad-text" : "text-ink-3")}
              >
                needs {bytes(n.diskNeeded)} of {bytes(n.diskFree)} free
              </span>
              {n.gitMillis ? (
                <span className="text-xs text-ink-3 tabular-nums">git server answered in {Math.round(n.gitMillis)} ms</span>
              ) : null}
            </div>
            {n.images?.map((i) => (
              <BaseImage key={i.ref} image={i} />
            ))}
          </li>
        ))}
      </ul>
    </Part>
  );
}

function BaseImage({ image }: { image: Schemas["RequiredImage"] }) {
  if (image.present || image.unknown) {
    return (
      <p className="flex items-center gap-1.5 text-xs text-ink-3">
        {image.present && <CircleCheck aria-hidden className="size-3.5 shrink-0 text-ok" />}
        <span className="min-w-0 wrap-anywhere">
          base image <span className="font-mono">{image.ref}</span>{" "}
          {image.present ? "is there" : "is known once the commit is on the node"}
        </span>
      </p>
    );
  }
  return (
    <div className="space-y-1 rounded-md bg-bad-soft p-2 text-xs text-bad-text">
      <p className="flex items-center gap-1.5">
        <CircleX aria-hidden className="size-3.5 shrink-0" />
        <span className="min-w-0 wrap-anywhere">
          base image <b className="font-mono">{image.ref}</b> is missing; nothing is ever pulled. Bring it there with:
        </span>
      </p>
      {image.remedy && (
        <div className="flex items-start gap-1 rounded bg-log p-2 text-log-ink">
          <pre className="min-w-0 flex-1 font-mono wrap-anywhere whitespace-pre-wrap">{image.remedy}</pre>
          <CopyButton text={image.remedy} label="Copy the commands" />
        </div>
      )}
    </div>
  );
}

function Port({ plan }: { plan: Plan }) {
  const { port, node, free } = plan.port;
  if (!plan.new) return null; // it stays as it is
  return (
    <p className="text-xs text-ink-3">
      {port ? (
        <>
          Its port on {node || "the gateway node"} is <span className="font-mono">{port}</span>.
        </>
      ) : (
        <>
          It gets the next free port of {node || "the gateway node"}; {free} are free.
        </>
      )}
    </p>
  );
}
