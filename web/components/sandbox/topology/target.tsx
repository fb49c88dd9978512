import { Box as BoxIcon, Cloud, Globe } from "lucide-react";
import { cn } from "@/lib/cn";
import { shortSHA } from "@/lib/format";
import { host } from "@/lib/routes";
import type { Source } from "../words";
import type { Box, Lane } from "./layout";
import { answered, type ServiceNode } from "./model";
import { place, placed } from "./node";

const lanes: Record<Source, { icon: typeof Cloud; title: string; short: string; frame: string; ink: string }> = {
  sandbox: { icon: BoxIcon, title: "This sandbox", short: "Sandbox", frame: "border-ok/35 bg-ok-soft/40", ink: "text-ok-text" },
  ocp: {
    icon: Cloud,
    title: "Shared environment (OCP)",
    short: "Shared (OCP)",
    frame: "border-ocp/35 bg-ocp-soft/50",
    ink: "text-ocp-text",
  },
  url: { icon: Globe, title: "Other addresses", short: "Elsewhere", frame: "border-line-strong/40 bg-sunken", ink: "text-ink-2" },
};

/** LaneFrame is the frame around those who answer from one place. */
export function LaneFrame({ lane, wide }: { lane: Lane; wide: boolean }) {
  const { icon: Icon, title, short, frame, ink } = lanes[lane.source];
  return (
    <div style={place(lane.box)} className={cn("absolute top-0 left-0 rounded-xl border", frame)}>
      <p className={cn("flex h-[30px] items-center gap-1.5 px-2.5 text-xs font-medium", ink)}>
        <Icon aria-hidden className="size-3.5 shrink-0" /> <span className="truncate">{wide ? title : short}</span>
      </p>
    </div>
  );
}

/** Target is who answers for a service. Its keyboard equivalent is the service's button. */
export function Target({ node, box, onChoose }: { node: ServiceNode; box: Box; onChoose: (name: string) => void }) {
  const { source, own, health } = node;
  const dead = source === "sandbox" && (!own?.serving || health === "down");
  return (
    <div
      style={place(box)}
      onClick={() => onChoose(node.name)}
      className={cn(
        placed,
        "flex cursor-pointer flex-col justify-center rounded-lg px-2.5 leading-4",
        source === "ocp" ? "" : cn("border bg-surface", dead ? "border-dashed border-line-strong" : "border-line-strong/40"),
        dead && health === "down" && "border-bad",
      )}
    >
      {source === "sandbox" ? <Container node={node} /> : <Elsewhere url={node.url} source={source} known={answered(node)} />}
    </div>
  );
}

function Container({ node: { own, health, branch } }: { node: ServiceNode }) {
  const { serving, latest } = own ?? {};
  if (!serving) {
    return (
      <>
        <span className="truncate text-xs font-medium">
          {health === "starting" ? "first container on its way" : "nothing runs"}
        </span>
        <span className="truncate text-xs text-ink-3">{latest ? (own?.branch ?? "") : "never deployed"}</span>
      </>
    );
  }
  return (
    <>
      <span className="truncate font-mono text-xs" title={branch}>
        {branch || shortSHA(serving.sha)}
      </span>
      <span className="truncate text-xs text-ink-3" title={`${serving.sha} on ${serving.node}`}>
        {branch && <span className="font-mono">{shortSHA(serving.sha).slice(0, 7)} · </span>}
        {serving.node}
      </span>
    </>
  );
}

function Elsewhere({ url, source, known }: { url: string | undefined; source: Source; known: boolean }) {
  if (!url) return <span className="truncate text-xs text-ink-3">{known ? "no address known" : "nobody answers"}</span>;
  const path = URL.canParse(url) ? new URL(url).pathname : "";
  return (
    <>
      <span className="truncate font-mono text-xs" title={url}>
        {host(url)}
      </span>
      {source === "url" && path.length > 1 && <span className="truncate font-mono text-xs text-ink-3">{path}</span>}
    </>
  );
}
