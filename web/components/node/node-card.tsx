"use client";

import { TriangleAlert } from "lucide-react";
import Link from "next/link";
import type { ReactNode } from "react";
import { Badge } from "@/components/ui/badge";
import { Ago, At } from "@/components/ui/facts";
import { Meter, fullness } from "@/components/ui/meter";
import type { Schemas } from "@/lib/api";
import { bytes, plural } from "@/lib/format";
import { hrefs } from "@/lib/routes";
import { NodeActions } from "./node-actions";

type Node = Schemas["Node"];

const types = {
  MICRO: "runs services",
  GATEWAY: "runs the gateway, owns the sandboxes' ports",
  INFRA: "databases and brokers",
} as const;

/** NodeCard is one machine: whether it can work, and what it has left. */
export function NodeCard({ node: n, ports }: { node: Node; ports: Schemas["NodePorts"] | undefined }) {
  return (
    <article aria-label={n.name} className="rounded-xl border bg-surface">
      <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b px-4 py-3">
        <h2 className="text-base font-semibold wrap-anywhere">{n.name}</h2>
        <Badge tone={!n.alive ? "bad" : n.problems.length > 0 ? "warn" : "ok"} dot>
          {!n.alive ? "not alive" : n.cordonedBy ? "cordoned" : n.problems.length > 0 ? "has problems" : "alive"}
        </Badge>
        <span className="text-ink-3">
          <b className="font-medium text-ink-2">{n.type}</b>, {types[n.type]}
        </span>
      </header>
      <div className="space-y-4 p-4">
        {n.problems.length > 0 && (
          <ul role="status" className="space-y-1 rounded-lg bg-warn-soft px-3 py-2 text-warn-text">
            {n.problems.map((p) => (
              <li key={p} className="flex gap-2">
                <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
                <span className="min-w-0 break-words">{p}</span>
              </li>
            ))}
          </ul>
        )}
        <Meters node={n} />
        {(ports?.first ?? 0) > 0 && ports && <Ports ports={ports} />}
        <NodeActions node={n} />
        <dl className="flex flex-wrap gap-x-6 gap-y-1 border-t pt-3 text-xs text-ink-3">
          <Fact name="Address" value={<span className="font-mono">{n.address}</span>} />
          <Fact name="Worker" value={n.version && <span className="font-mono wrap-anywhere">{n.version}</span>} />
          <Fact name="Docker" value={n.dockerVersion ?? "does not answer"} />
          <Fact name="Last seen" value={<Ago at={n.lastSeen} />} />
          <Fact name="Registered" value={<Ago at={n.registeredAt} />} />
        </dl>
      </div>
    </article>
  );
}

function Fact({ name, value }: { name: string; value: ReactNode }) {
  if (!value) return null;
  return (
    <div className="flex gap-1.5">
      <dt>{name}</dt>
      <dd className="min-w-0 text-ink-2">{value}</dd>
    </div>
  );
}

function Meters({ node: n }: { node: Node }) {
  const part = (free: number, total: number) => (total > 0 ? 1 - free / total : undefined);
  const disk = part(n.diskFree, n.diskTotal);
  const memory = part(n.memoryFree, n.memoryTotal);
  const load = n.cpus > 0 ? n.load1 / n.cpus : undefined;
  const builds = n.builds > 0 ? n.runningBuilds / n.builds : undefined;
  const images = n.imagesUsed === undefined ? undefined : n.imagesUsed / 100;
  const mark = n.watermark === undefined ? undefined : n.watermark / 100;
  return (
    <div className="grid gap-x-6 gap-y-3 sm:grid-cols-2">
      <Meter
        label="Disk"
        used={disk}
        tone={fullness(disk, 0.85)}
        text={n.diskTotal ? `${bytes(n.diskFree)} free of ${bytes(n.diskTotal)}` : "unknown"}
      />
      <Meter
        label="Memory"
        used={memory}
        tone={fullness(memory, 0.9)}
        text={n.memoryTotal ? `${bytes(n.memoryFree)} free of ${bytes(n.memoryTotal)}` : "unknown"}
      />
      <Meter
        label="CPU"
        used={load}
        tone={fullness(load, 1, 2)}
        text={`load ${n.load1.toFixed(1)} on ${plural(n.cpus, "CPU")}`}
      />
      <Meter
        label="Builds"
        used={builds}
        tone={builds === 1 ? "warn" : "info"}
        text={`${n.runningBuilds} running of ${n.builds} at once`}
      />
      {images !== undefined && (
        <Meter
          label="Image disk"
          used={images}
          mark={mark}
          markTitle={`watermark ${n.watermark}%`}
          tone={mark !== undefined && images >= mark ? "warn" : "ok"}
          text={
            n.watermark === undefined ? `${n.imagesUsed}% used, never pruned` : `${n.imagesUsed}% used, pruned at ${n.watermark}%`
          }
        />
      )}
      <p className="self-end text-xs">
        <Link
          prefetch={false}
          href={`${hrefs.images()}?node=${encodeURIComponent(n.name)}`}
          className="text-accent-text underline-offset-2 hover:underline"
        >
          Images of {n.name}
        </Link>
      </p>
    </div>
  );
}

/** Ports says who has which public port, and which another program holds. */
function Ports({ ports: p }: { ports: Schemas["NodePorts"] }) {
  const size = (p.last ?? 0) - (p.first ?? 0) + 1;
  const used = p.taken.length + p.foreign.length;
  return (
    <div className="space-y-2">
      <Meter
        label={`Ports ${p.first} to ${p.last}`}
        used={size > 0 ? used / size : undefined}
        tone={p.free === 0 ? "bad" : "info"}
        text={`${p.taken.length} taken${p.foreign.length > 0 ? `, ${p.foreign.length} foreign` : ""}, ${p.free} free`}
      />
      {p.taken.length > 0 && (
        <ul className="flex flex-wrap gap-1.5">
          {p.taken.map((t) => (
            <li key={t.port}>
              <Link
                prefetch={false}
                href={hrefs.sandbox(t.sandbox)}
                title={`${t.sandbox} of ${t.owner}, ${t.state.toLowerCase()}`}
                className="inline-flex items-center gap-1.5 rounded-md border px-2 py-0.5 text-xs hover:bg-sunken"
              >
                <span className="font-mono tabular-nums">{t.port}</span>
                <span className="max-w-40 truncate text-ink-2">{t.sandbox}</span>
              </Link>
            </li>
          ))}
        </ul>
      )}
      {p.foreign.map((f) => (
        <p key={f.port} className="flex gap-2 rounded-lg bg-warn-soft px-3 py-2 text-xs text-warn-text">
          <TriangleAlert aria-hidden className="size-4 shrink-0" />
          <span className="min-w-0 break-words">
            <b className="font-mono">{f.port}</b> is foreign: {f.reason}. It is not given out before <At at={f.until} />.
          </span>
        </p>
      ))}
    </div>
  );
}
