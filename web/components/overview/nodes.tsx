"use client";

import { ChevronDown, TriangleAlert } from "lucide-react";
import Link from "next/link";
import { useId, useState } from "react";
import { Dot, type Tone } from "@/components/ui/badge";
import { Skeleton } from "@/components/ui/empty";
import { Ago } from "@/components/ui/facts";
import { ProblemBox } from "@/components/ui/problem";
import { api, ok, type Schemas } from "@/lib/api";
import { cn } from "@/lib/cn";
import { bytes } from "@/lib/format";
import { useResource } from "@/lib/live";
import { hrefs } from "@/lib/routes";
import { useTick } from "@/lib/use-tick";

type Node = Schemas["Node"];

const roomy = 6; // nodes for which a tablet has room
const readEvery = 15_000; // milliseconds: load and free memory change without an event

/** Nodes shows whether the machines behind all this can take more work. */
export function Nodes() {
  const nodes = useResource(
    "nodes",
    (signal) => ok(api.GET("/api/v1/nodes", { signal })),
    (e) => e.topic === "nodes",
  );
  useTick(readEvery, () => void nodes.reload());
  // On a phone the machines would push the sandboxes off the screen: those that are well fold away.
  const [open, setOpen] = useState(false);
  const list = useId();
  const items = (nodes.data?.items ?? []).toSorted(
    (a, b) => Number(isWell(a)) - Number(isWell(b)) || a.name.localeCompare(b.name),
  );
  const fold = items.length > roomy ? "max-xl:hidden" : "max-md:hidden";
  return (
    <section aria-label="Nodes" className="min-w-0 self-start overflow-clip rounded-xl border bg-surface">
      <header className="flex min-h-11 items-center justify-between gap-2 px-4">
        <h2 className="text-sm font-semibold">
          <Link href={hrefs.nodes()} prefetch={false} className="hover:underline">
            Nodes
          </Link>
        </h2>
        <span className="flex items-center gap-1 text-xs text-ink-3">
          {items.length > 0 && summary(items)}
          <button
            type="button"
            aria-label="All nodes"
            aria-expanded={open}
            aria-controls={list}
            onClick={() => setOpen(!open)}
            className={cn("-mr-2 grid size-8 place-items-center rounded", items.length > roomy ? "xl:hidden" : "md:hidden")}
          >
            <ChevronDown aria-hidden className={cn("size-4 transition-transform", open && "rotate-180")} />
          </button>
        </span>
      </header>
      {nodes.loading && (
        <div className="px-4 pb-3">
          <Skeleton lines={2} />
        </div>
      )}
      {!nodes.data && <ProblemBox problem={nodes.problem} className="m-3 mt-0" />}
      {nodes.data && items.length === 0 && (
        <p className="px-4 pb-3 text-ink-2">
          No node has registered. Nothing can be deployed until a worker runs:{" "}
          <code className="font-mono text-xs">sdp worker</code> on a machine with the clones.
        </p>
      )}
      <ul id={list} className="grid grid-cols-[repeat(auto-fit,minmax(min(18rem,100%),1fr))]">
        {items.map((n) => (
          <NodeLine key={n.name} node={n} fold={open || !isWell(n) ? "" : fold} />
        ))}
      </ul>
    </section>
  );
}

const isWell = (n: Node) => n.alive && n.problems.length === 0;

function summary(nodes: Node[]) {
  const poor = nodes.filter((n) => !isWell(n)).length;
  return poor === 0 ? `${nodes.length}, all well` : `${poor} of ${nodes.length} ${poor === 1 ? "has" : "have"} problems`;
}

function NodeLine({ node: n, fold }: { node: Node; fold: string }) {
  const tone: Tone = !n.alive ? "bad" : n.problems.length > 0 ? "warn" : "ok";
  return (
    <li className={cn("space-y-1.5 border-t px-4 py-2.5", fold)}>
      <p className="flex items-center justify-between gap-2 text-[0.8125rem]">
        <span className="flex min-w-0 items-center gap-2 font-medium">
          <Dot tone={tone} />
          <span className="truncate">{n.name}</span>
          <span className="text-xs font-normal text-ink-3">{n.type}</span>
        </span>
        <span className="shrink-0 text-xs text-ink-3">
          {n.alive ? (
            <>
              {n.runningBuilds} of {n.builds} builds
            </>
          ) : (
            <b className="font-medium text-bad-text">
              not heard of
              {n.lastSeen ? (
                <>
                  {" "}
                  since <Ago at={n.lastSeen} />
                </>
              ) : null}
            </b>
          )}
        </span>
      </p>
      <dl className={cn("grid grid-cols-3 gap-3 text-xs", !n.alive && "opacity-60")}>
        <Meter
          name="Disk"
          value={`${bytes(n.diskFree)} free`}
          used={1 - n.diskFree / n.diskTotal}
          title={`${bytes(n.diskFree)} of ${bytes(n.diskTotal)} free`}
        />
        <Meter
          name="Memory"
          value={`${bytes(n.memoryFree)} free`}
          used={1 - n.memoryFree / n.memoryTotal}
          title={`${bytes(n.memoryFree)} of ${bytes(n.memoryTotal)} free`}
        />
        <Meter
          name="CPU load"
          value={`${n.load1.toFixed(1)} / ${n.cpus} CPUs`}
          used={n.load1 / n.cpus}
          title={`load ${n.load1.toFixed(2)} over the last minute, ${n.cpus} CPUs`}
        />
      </dl>
      {n.problems.length > 0 && (
        <ul className="space-y-1 text-xs text-warn-text">
          {n.problems.map((p) => (
            <li key={p} className="flex gap-1.5">
              <TriangleAlert aria-hidden className="mt-px size-3.5 shrink-0" />
              <span className="min-w-0 break-words">{p}</span>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

/** Meter is a number with a bar of how much is used; the bar alone says nothing that the number does not. */
function Meter({ name, value, used, title }: { name: string; value: string; used: number; title: string }) {
  const share = Number.isFinite(used) ? Math.min(1, Math.max(0, used)) : 0;
  return (
    <div title={title} className="min-w-0">
      <dt className="text-ink-3">{name}</dt>
      <dd className="space-y-1">
        <span className="block truncate tabular-nums">{value}</span>
        <span aria-hidden className="block h-1 overflow-hidden rounded-full bg-idle-soft">
          <span
            className={cn("block h-full rounded-full", share > 0.95 ? "bg-bad" : share > 0.85 ? "bg-warn" : "bg-accent")}
            style={{ width: `${share * 100}%` }}
          />
        </span>
      </dd>
    </div>
  );
}
