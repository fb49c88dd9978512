import type { CSSProperties } from "react";
import type { Tone } from "@/components/ui/badge";
import { cn } from "@/lib/cn";
import { serviceTone } from "../words";
import { between, type Box, type Layout, type Point } from "./layout";
import type { Lit } from "./lit";
import type { ServiceNode } from "./model";

const stroke: Record<Tone, string> = {
  ok: "stroke-ok",
  warn: "stroke-warn",
  bad: "stroke-bad",
  info: "stroke-info",
  idle: "stroke-idle",
  ocp: "stroke-ocp",
};
const fill: Record<Tone, string> = {
  ok: "fill-ok",
  warn: "fill-warn",
  bad: "fill-bad",
  info: "fill-info",
  idle: "fill-idle",
  ocp: "fill-ocp",
};

interface EdgesProps {
  layout: Layout;
  nodes: Map<string, ServiceNode>;
  publicRate: number;
  publicTone: Tone;
  lit: Lit | undefined;
}

/** Edges are the lines of the picture. They say nothing that the nodes' names do not say too. */
export function Edges({ layout, nodes, publicRate, publicTone, lit }: EdgesProps) {
  const gateway = [...nodes.values()].find((n) => n.gateway);
  return (
    <svg
      aria-hidden
      width={layout.width}
      height={layout.height}
      className="pointer-events-none absolute inset-0 overflow-visible"
      fill="none"
    >
      {/* Faint as one, so that lines that share a way are not darker there. */}
      <g className="opacity-45">
        {layout.rows.map((r) => (
          <Line key={r.name} d={r.reach} className="stroke-line-strong" />
        ))}
      </g>
      {layout.rows.map((r) => lit?.reached.has(r.name) && <Line key={r.name} d={r.reach} className="stroke-accent" lit />)}
      <Line d={layout.way} className={stroke[publicTone]} rate={publicRate} lit={!!lit} data={{ "data-edge": "client" }} />
      {layout.gateway && gateway && <Road d={layout.gateway.road} end={layout.gateway.end} node={gateway} lit={lit} />}
      {layout.rows.map((r) => {
        const node = nodes.get(r.name);
        return node && <Road key={r.name} d={r.road} end={{ x: r.target.x, y: r.label.y }} node={node} lit={lit} />;
      })}
      {lit?.between.map(({ from, to }) => {
        const [a, b] = [boxOf(layout, from, gateway?.name), boxOf(layout, to, gateway?.name)];
        return a && b && <Line key={`${from} ${to}`} d={between(a, b, layout.wide)} className="stroke-transparent" lit />;
      })}
    </svg>
  );
}

function boxOf(layout: Layout, name: string, gateway: string | undefined): Box | undefined {
  return name === gateway ? layout.entry : layout.rows.find((r) => r.name === name)?.node;
}

function Road({ d, end, node, lit }: { d: string; end: Point; node: ServiceNode; lit: Lit | undefined }) {
  const dead = node.health === "stopped" || node.health === "down" || node.health === "starting";
  const tone = serviceTone(node.health, node.source);
  const [isLit, failed] = [lit?.numbers.has(node.name), lit?.failed.has(node.name)];
  return (
    <>
      <Line
        d={d}
        className={stroke[tone]}
        rate={node.traffic?.perSecond}
        dashed={dead}
        lit={isLit}
        failed={failed}
        data={{ "data-edge": node.name, "data-source": node.source, "data-health": node.health }}
      />
      <Port at={end} className={isLit ? (failed ? "fill-bad" : "fill-accent") : fill[tone]} />
    </>
  );
}

/** Port is where a line ends. */
function Port({ at, className }: { at: Point; className: string }) {
  return (
    <circle
      r={3.5}
      className={cn("transition-[transform,fill] duration-500", className)}
      style={{ transform: `translate(${at.x}px, ${at.y}px)` }}
    />
  );
}

interface LineProps {
  d: string;
  className: string;
  rate?: number;
  dashed?: boolean;
  lit?: boolean;
  failed?: boolean;
  data?: Record<`data-${string}`, string>;
}

function Line({ d, className, rate = 0, dashed, lit, failed, data }: LineProps) {
  // As a property of the style too, because only that moves softly to where a switched route leads.
  const style = { d: `path("${d}")` } as CSSProperties;
  return (
    <g {...data}>
      {lit && (
        <path
          d={d}
          style={style}
          strokeWidth={7}
          strokeLinecap="round"
          className={cn("opacity-25", failed ? "stroke-bad" : "stroke-accent")}
        />
      )}
      <path
        d={d}
        style={style}
        strokeWidth={lit ? 2.5 : 1.75}
        strokeDasharray={dashed ? "5 5" : undefined}
        className={cn("transition-[d,stroke] duration-500", lit ? (failed ? "stroke-bad" : "stroke-accent") : className)}
      />
      {rate > 0 && (
        <path
          d={d}
          strokeWidth={4.5}
          strokeLinecap="round"
          strokeDasharray="0.1 9.9"
          className={cn("animate-[flow_linear_infinite]", className)}
          style={{ ...style, animationDuration: pace(rate) }}
        />
      )}
    </g>
  );
}

/** pace is how long requests take along a line in the picture: the more there are, the faster, in few steps, so that the picture stays calm while the rate changes. */
function pace(rate: number): string {
  if (rate < 1) return "2.4s";
  if (rate < 5) return "1.5s";
  if (rate < 20) return "0.9s";
  return "0.5s";
}
