import { CircleAlert, GitCompareArrows, History, LoaderCircle } from "lucide-react";
import type { CSSProperties } from "react";
import { Dot, type Tone } from "@/components/ui/badge";
import { cn } from "@/lib/cn";
import { healthWord, rate, serviceTone } from "../words";
import type { Box } from "./layout";
import { nodeName, type ServiceNode } from "./model";

/** place puts something where the layout says; it glides there when the layout changes. */
export function place(b: Box): CSSProperties {
  return { transform: `translate(${b.x}px, ${b.y}px)`, width: b.w, height: b.h };
}
export const placed = "absolute top-0 left-0 transition-transform duration-500";

const text: Record<Tone, string> = {
  ok: "text-ok-text",
  warn: "text-warn-text",
  bad: "text-bad-text",
  info: "text-info-text",
  idle: "text-idle-text",
  ocp: "text-ocp-text",
};

interface NodeProps {
  node: ServiceNode;
  box: Box;
  chosen: boolean;
  numbers: number[] | undefined;
  /** The rate stands in the node where lines are too short for it. */
  withRate: boolean;
  onChoose: (name: string) => void;
}

/** TopologyNode is a service: a button that opens what is known about it and what can be done. */
export function TopologyNode({ node, box, chosen, numbers, withRate, onChoose }: NodeProps) {
  const tone = serviceTone(node.health, node.source);
  return (
    <button
      type="button"
      data-service={node.name}
      aria-pressed={chosen}
      onClick={() => onChoose(node.name)}
      style={place(box)}
      className={cn(
        placed,
        "flex flex-col justify-center gap-0.5 rounded-lg border bg-surface px-3 text-left shadow-xs hover:border-line-strong",
        chosen
          ? "border-accent ring-2 ring-accent/40"
          : numbers
            ? "border-accent"
            : node.trouble && node.health !== "healthy"
              ? "border-bad/60"
              : "border-line-strong/50",
      )}
    >
      {numbers && <Numbers numbers={numbers} />}
      <span className="sr-only">{nodeName(node)}</span>
      <span aria-hidden className="flex w-full items-center gap-1.5">
        <span className="min-w-0 flex-1 truncate font-semibold" title={node.name}>
          {node.name}
        </span>
        {node.own?.behind && <History aria-hidden className="size-3.5 shrink-0 text-warn-text" />}
        {node.own?.track && <GitCompareArrows aria-hidden className="size-3.5 shrink-0 text-ink-3" />}
        {node.trouble && !node.busy && <CircleAlert aria-hidden className="size-3.5 shrink-0 text-bad-text" />}
      </span>
      <span aria-hidden className="flex w-full items-center gap-1.5 text-xs leading-4">
        {node.busy ? (
          <>
            <LoaderCircle aria-hidden className="size-3 shrink-0 animate-spin text-info-text" />
            <span className="truncate text-info-text">{node.busy.words}</span>
          </>
        ) : (
          <>
            <Dot tone={tone} />
            <span className={cn("truncate", text[tone])}>{healthWord(node.health, node.source, node.own)}</span>
          </>
        )}
        {withRate && !!node.traffic?.perSecond && (
          <span className="ml-auto shrink-0 text-ink-2 tabular-nums">{rate(node.traffic.perSecond)}</span>
        )}
      </span>
    </button>
  );
}

/** Numbers says at which hops of the traced request a service was asked. */
export function Numbers({ numbers }: { numbers: number[] }) {
  return (
    <span
      aria-hidden
      className="absolute -top-2.5 -left-2.5 flex h-5 min-w-5 items-center justify-center rounded-full bg-accent px-1 text-[11px] font-semibold text-accent-ink tabular-nums"
    >
      {numbers.length > 3 ? `${numbers[0]} … ${numbers.at(-1)}` : numbers.join(", ")}
    </span>
  );
}
