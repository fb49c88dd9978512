"use client";

import { CircleSlash, Trash2 } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Meter } from "@/components/ui/meter";
import type { Schemas } from "@/lib/api";
import { bytes, plural } from "@/lib/format";
import type { Image } from "./words";

interface Props {
  nodes: Schemas["Node"][];
  /** What the nodes said they have, undefined until they have said it. */
  images: Image[] | undefined;
  missing: Schemas["MissingNode"][];
  onPrune: (node: string) => void;
}

/** Disks shows for each node how full the disk of its images is, and offers to free what nothing needs. */
export function Disks({ nodes, images, missing, onPrune }: Props) {
  return (
    <ul className="grid gap-4 sm:grid-cols-2 xl:grid-cols-3">
      {nodes.map((n) => {
        const of = (images ?? []).filter((i) => i.node === n.name);
        const free = of.filter((i) => i.neededBy.length === 0 && i.kind !== "base" && i.kind !== "shared").length;
        const away = missing.find((m) => m.node === n.name);
        const mark = n.watermark === undefined ? undefined : n.watermark / 100;
        const used = n.imagesUsed === undefined ? undefined : n.imagesUsed / 100;
        return (
          <li key={n.name}>
            <section aria-label={`Disk of ${n.name}`} className="flex h-full flex-col gap-3 rounded-xl border bg-surface p-4">
              <div className="flex items-center justify-between gap-2">
                <h2 className="font-semibold wrap-anywhere">{n.name}</h2>
                <Button size="small" disabled={!!away} onClick={() => onPrune(n.name)} aria-label={`Prune images of ${n.name}`}>
                  <Trash2 aria-hidden className="size-3.5" /> Prune
                </Button>
              </div>
              <Meter
                label="Image disk"
                used={used}
                mark={mark}
                markTitle={`watermark ${n.watermark}%`}
                tone={used !== undefined && mark !== undefined && used >= mark ? "bad" : "ok"}
                text={n.imagesUsed === undefined ? "unknown" : `${n.imagesUsed}% used`}
              />
              <p className="text-xs text-ink-3">
                {n.watermark === undefined ? "Never pruned by itself (watermark 0)" : `Pruned by itself above ${n.watermark}%`};{" "}
                {bytes(n.diskFree)} free of {bytes(n.diskTotal)} on the disk of its data.
              </p>
              {away ? (
                <p className="flex gap-2 rounded-lg bg-warn-soft px-3 py-2 text-warn-text">
                  <CircleSlash aria-hidden className="mt-0.5 size-4 shrink-0" />
                  <span className="min-w-0 break-words">Could not be asked for its images: {away.reason}</span>
                </p>
              ) : (
                images && (
                  <p className="mt-auto text-ink-2">
                    {plural(of.length, "image")}, {free > 0 ? `${free} needed by nothing` : "none that a prune would remove"}
                  </p>
                )
              )}
            </section>
          </li>
        );
      })}
      {missing
        .filter((m) => !nodes.some((n) => n.name === m.node))
        .map((m) => (
          <li key={m.node} className="rounded-lg bg-warn-soft px-3 py-2 text-warn-text">
            {m.node} could not be asked: {m.reason}
          </li>
        ))}
    </ul>
  );
}
