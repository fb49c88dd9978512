"use client";

import { Box, Cloud, Ellipsis, Globe, Rocket, RotateCw, ScrollText, Square } from "lucide-react";
import Link from "next/link";
import { outcome } from "@/components/deployment/words";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Ago, Commit } from "@/components/ui/facts";
import { Menu, MenuItem, MenuSeparator } from "@/components/ui/menu";
import { Table, Td, type Column } from "@/components/ui/table";
import { hrefs } from "@/lib/routes";
import { deploymentTone } from "@/lib/tones";
import type { ServiceNode } from "../topology/model";
import { healthWord, latency, rate, serviceTone } from "../words";
import type { Act, Possible } from "./actions";
import { Who } from "./route-dialog";

interface ServicesTableProps {
  nodes: ServiceNode[];
  can: (node: ServiceNode) => Possible;
  onChoose: (name: string) => void;
  onAct: (name: string, act: Act) => void;
}

const columns: Column[] = [
  { head: "Service" },
  { head: "Health" },
  { head: "Who answers" },
  { head: "Requests", from: "wide" },
  { head: "Latency p95", from: "widest" },
  { head: "Newest deployment" },
  { head: "" },
];

/**
 * ServicesTable says in words what the picture shows, with the same actions. Where there is no room for a table each service
 * is a line of its own.
 */
export function ServicesTable({ nodes, can, onChoose, onAct }: ServicesTableProps) {
  return (
    <div className="@container">
      <div className="@max-2xl:hidden">
        <Table label="All services" columns={columns}>
          {nodes.map((n) => (
            <tr key={n.name} className="hover:bg-sunken">
              <Td>
                <Name node={n} onChoose={onChoose} />
              </Td>
              <Td>
                <Health node={n} />
              </Td>
              <Td className="max-w-72 min-w-40 wrap-anywhere">
                <Who node={n} source={n.source} url={n.url} short />
              </Td>
              <Td from="wide" className="whitespace-nowrap tabular-nums">
                <Requests node={n} />
              </Td>
              <Td from="widest" className="whitespace-nowrap tabular-nums">
                <Latency node={n} />
              </Td>
              <Td className="min-w-48">
                <Newest node={n} />
              </Td>
              <Td className="py-1.5 text-right">
                <Do node={n} can={can(n)} onAct={onAct} />
              </Td>
            </tr>
          ))}
        </Table>
      </div>
      <ul className="divide-y @2xl:hidden">
        {nodes.map((n) => (
          <li key={n.name} className="flex items-start gap-2 px-4 py-2.5">
            <div className="min-w-0 flex-1 space-y-0.5">
              <p className="flex flex-wrap items-center gap-2">
                <Name node={n} onChoose={onChoose} />
                <Health node={n} />
                {!!n.traffic?.perSecond && <span className="text-xs text-ink-2 tabular-nums">{rate(n.traffic.perSecond)}</span>}
              </p>
              <p className="wrap-anywhere">
                <Who node={n} source={n.source} url={n.url} short />
              </p>
            </div>
            <Do node={n} can={can(n)} onAct={onAct} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Name({ node, onChoose }: { node: ServiceNode; onChoose: (name: string) => void }) {
  return (
    <button
      type="button"
      aria-label={`Show ${node.name}`}
      className="text-left font-medium underline-offset-2 hover:underline"
      onClick={() => onChoose(node.name)}
    >
      {node.name}
    </button>
  );
}

function Health({ node }: { node: ServiceNode }) {
  if (node.busy)
    return (
      <Link href={node.busy.href}>
        <Badge tone="info" dot>
          {node.busy.words}
        </Badge>
      </Link>
    );
  return (
    <Badge tone={serviceTone(node.health, node.source)} dot title={node.reason}>
      {healthWord(node.health, node.source, node.own)}
    </Badge>
  );
}

function Requests({ node: { traffic } }: { node: ServiceNode }) {
  if (!traffic?.requests) return <span className="text-ink-3">none</span>;
  return (
    <>
      {traffic.requests.toLocaleString("en")}
      {traffic.perSecond > 0 && <span className="text-ink-2"> · {rate(traffic.perSecond)}</span>}
      {traffic.errors > 0 && <span className="block text-xs text-bad-text">{traffic.errors.toLocaleString("en")} failed</span>}
    </>
  );
}

function Latency({ node: { traffic } }: { node: ServiceNode }) {
  const { word, title } = latency(traffic ?? { requests: 0, p95Millis: 0 });
  return (
    <span title={title} className={traffic?.p95Millis ? "" : "text-ink-3"}>
      {word}
    </span>
  );
}

function Newest({ node: { own } }: { node: ServiceNode }) {
  const d = own?.latest;
  if (!d) return <span className="text-ink-3">none</span>;
  const { word, title } = outcome(d);
  return (
    <span className="flex flex-wrap items-center gap-x-2 gap-y-0.5">
      <Badge tone={deploymentTone(d.state)} title={title}>
        {word}
      </Badge>
      <Link href={hrefs.deployment(d.id)} className="underline-offset-2 hover:underline">
        <Commit branch={d.branch} sha={d.sha} />
      </Link>
      <span className="text-xs text-ink-3">
        <Ago at={d.createdAt} />
      </span>
    </span>
  );
}

function Do({ node, can, onAct }: { node: ServiceNode; can: Possible; onAct: (name: string, act: Act) => void }) {
  const item = (act: Act) => ({ disabled: !!can[act], onSelect: () => onAct(node.name, act) });
  return (
    <Menu
      trigger={
        <Button look="quiet" size="icon" className="size-8" aria-label={`Actions for ${node.name}`}>
          <Ellipsis aria-hidden className="size-4" />
        </Button>
      }
    >
      <MenuItem {...item("deploy")}>
        <Rocket aria-hidden className="size-4" /> Deploy a branch
      </MenuItem>
      <MenuItem {...item("logs")}>
        <ScrollText aria-hidden className="size-4" /> Logs
      </MenuItem>
      <MenuSeparator />
      <MenuItem {...item("sandbox")}>
        <Box aria-hidden className="size-4" /> Route to sandbox
      </MenuItem>
      <MenuItem {...item("ocp")}>
        <Cloud aria-hidden className="size-4" /> Route to OCP
      </MenuItem>
      <MenuItem {...item("url")}>
        <Globe aria-hidden className="size-4" /> Route to a URL
      </MenuItem>
      <MenuSeparator />
      <MenuItem {...item("restart")}>
        <RotateCw aria-hidden className="size-4" /> Restart
      </MenuItem>
      <MenuItem danger {...item("stop")}>
        <Square aria-hidden className="size-4" /> Stop
      </MenuItem>
    </Menu>
  );
}
