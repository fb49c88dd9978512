"use client";

import { MonitorSmartphone, Split } from "lucide-react";
import { useLayoutEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { cn } from "@/lib/cn";
import type { Schemas } from "@/lib/api";
import { host } from "@/lib/routes";
import { rate } from "../words";
import { Edges } from "./edges";
import { layout as layOut, type Box, type Layout } from "./layout";
import { litBy } from "./lit";
import type { ServiceNode } from "./model";
import { place, placed, TopologyNode } from "./node";
import { LaneFrame, Target } from "./target";

interface PictureProps {
  sandbox: Schemas["Sandbox"];
  nodes: ServiceNode[];
  traffic: Schemas["Traffic"] | undefined;
  trace: Schemas["Trace"] | undefined;
  chosen: string;
  onChoose: (name: string) => void;
}

/** Picture draws who asks whom and who answers: client, gateway, services, and where each one's requests end. */
export function Picture({ sandbox, nodes, traffic, trace, chosen, onChoose }: PictureProps) {
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  return (
    <div ref={frame} className="relative min-h-28 w-full">
      {width > 0 && <Drawn {...{ sandbox, nodes, traffic, trace, chosen, onChoose, width }} />}
    </div>
  );
}

function Drawn({ sandbox, nodes, traffic, trace, chosen, onChoose, width }: PictureProps & { width: number }) {
  const gateway = nodes.find((n) => n.gateway);
  const byName = useMemo(() => new Map(nodes.map((n) => [n.name, n])), [nodes]);
  const lay = useMemo(
    () =>
      layOut(
        nodes.filter((n) => !n.gateway),
        !!gateway,
        width,
      ),
    [nodes, gateway, width],
  );
  const lit = useMemo(() => litBy(trace, gateway?.name), [trace, gateway?.name]);
  const publicRate = traffic?.gateway.perSecond ?? 0;
  const node = (n: ServiceNode, box: Box) => (
    <TopologyNode
      key={n.name}
      node={n}
      box={box}
      chosen={chosen === n.name}
      numbers={lit?.numbers.get(n.name)}
      withRate={!lay.wide}
      onChoose={onChoose}
    />
  );
  return (
    <div style={{ height: lay.height }} className="relative">
      {lay.lanes.map((lane) => (
        <LaneFrame key={lane.source} lane={lane} wide={lay.wide} />
      ))}
      <Edges
        layout={lay}
        nodes={byName}
        publicRate={publicRate}
        publicTone={sandbox.state !== "ACTIVE" ? "idle" : sandbox.health === "down" ? "bad" : "ok"}
        lit={lit}
      />
      <Client box={lay.client} sandbox={sandbox} wide={lay.wide} />
      {gateway ? node(gateway, lay.entry) : <Router box={lay.entry} lit={!!lit} />}
      {gateway && lay.gateway && <Target node={gateway} box={lay.gateway.target} onChoose={onChoose} />}
      {/* In the order of the picture, which is the order in which Tab goes. */}
      {lay.rows.map((r) => {
        const n = byName.get(r.name);
        return n && node(n, r.node);
      })}
      {lay.rows.map((r) => {
        const n = byName.get(r.name);
        return n && <Target key={r.name} node={n} box={r.target} onChoose={onChoose} />;
      })}
      <Rates layout={lay} nodes={byName} gateway={gateway} publicRate={publicRate} />
    </div>
  );
}

function Rates({
  layout,
  nodes,
  gateway,
  publicRate,
}: {
  layout: Layout;
  nodes: Map<string, ServiceNode>;
  gateway: ServiceNode | undefined;
  publicRate: number;
}) {
  return (
    <>
      <Rate at={layout.wayLabel} perSecond={publicRate} />
      {layout.wide && layout.gateway && <Rate at={layout.gateway.label} perSecond={gateway?.traffic?.perSecond ?? 0} />}
      {layout.wide &&
        layout.rows.map((r) => <Rate key={r.name} at={r.label} perSecond={nodes.get(r.name)?.traffic?.perSecond ?? 0} />)}
    </>
  );
}

function Rate({ at, perSecond }: { at: { x: number; y: number }; perSecond: number }) {
  if (perSecond <= 0) return null;
  return (
    <span
      aria-hidden
      style={{ transform: `translate(${at.x}px, ${at.y}px) translate(-50%, -50%)` }}
      className="pointer-events-none absolute top-0 left-0 rounded-full border bg-surface px-1.5 text-[11px] leading-4 text-ink-2 tabular-nums"
    >
      {rate(perSecond)}
    </span>
  );
}

function Fixed({ box, className, children }: { box: Box; className?: string; children: ReactNode }) {
  return (
    <div style={place(box)} className={cn(placed, className)}>
      {children}
    </div>
  );
}

function Client({ box, sandbox, wide }: { box: Box; sandbox: Schemas["Sandbox"]; wide: boolean }) {
  return (
    <Fixed
      box={box}
      className={cn(
        "flex items-center rounded-lg border border-line-strong/50 bg-surface",
        wide ? "flex-col justify-center gap-1 px-1 text-center" : "gap-2.5 px-3",
      )}
    >
      <MonitorSmartphone aria-hidden className="size-6 shrink-0 text-ink-2" strokeWidth={1.5} />
      <span className="max-w-full min-w-0">
        <span className={cn("block text-xs font-medium", wide && box.w < 100 && "sr-only")}>Phone or browser</span>
        <span className="block truncate font-mono text-[11px] text-ink-3" title={sandbox.url}>
          {wide ? ":" + sandbox.port : host(sandbox.url)}
        </span>
      </span>
    </Fixed>
  );
}

/** Router stands where a gateway would: the platform's router chooses the service by the first part of the path. */
function Router({ box, lit }: { box: Box; lit: boolean }) {
  return (
    <Fixed
      box={box}
      className={cn(
        "flex items-center gap-2.5 rounded-lg border border-dashed border-line-strong bg-surface px-3",
        lit && "border-accent",
      )}
    >
      <Split aria-hidden className="size-5 shrink-0 rotate-90 text-ink-2" />
      <span className="min-w-0">
        <span className="block truncate font-semibold">Router</span>
        <span className="block truncate text-xs text-ink-3">
          by path: <code className="font-mono">/service/…</code>
        </span>
      </span>
    </Fixed>
  );
}

function useWidth(ref: React.RefObject<HTMLDivElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => setWidth(Math.round(element.getBoundingClientRect().width));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return width;
}
