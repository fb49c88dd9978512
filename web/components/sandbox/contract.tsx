"use client";

import { useState } from "react";
import { Badge, type Tone } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/field";
import type { Schemas } from "@/lib/api";
import { cn } from "@/lib/cn";

type Item = Schemas["ContractItem"];
type Disposition = Item["disposition"];

const dispositions: { id: Disposition; tone: Tone; means: string }[] = [
  { id: "copied", tone: "info", means: "The clone has its own, equal one: changing one changes nothing in the other." },
  { id: "regenerated", tone: "ok", means: "The clone gets a new one." },
  { id: "shared", tone: "warn", means: "Both use the same one: a change reaches both." },
];

/** Contract lists each part of a sandbox and what becomes of it in the clone. */
export function Contract({ contract }: { contract: Schemas["CloneContract"] }) {
  const [only, setOnly] = useState<Disposition>();
  const [search, setSearch] = useState("");
  const items = (contract.items ?? []).filter((i) => i.what !== "expiry"); // nothing acts on one yet
  const wanted = search.trim().toLowerCase();
  const shown = items.filter(
    (i) =>
      (!only || i.disposition === only) &&
      (!wanted || `${i.service ?? "sandbox"} ${i.what} ${i.key ?? ""} ${i.detail ?? ""}`.toLowerCase().includes(wanted)),
  );
  const services = [...new Set(shown.map((i) => i.service ?? ""))];
  return (
    <section aria-label="Contract" className="rounded-lg border">
      <div className="flex flex-wrap items-center gap-2 border-b px-3 py-2.5">
        <h3 className="mr-auto font-semibold">What becomes of each part</h3>
        <Input
          type="search"
          aria-label="Search the contract"
          placeholder="Search the parts"
          className="h-8 w-full sm:w-48"
          value={search}
          onChange={(e) => setSearch(e.target.value)}
        />
      </div>
      <div role="group" aria-label="Show only" className="grid gap-2 border-b p-3 sm:grid-cols-3">
        {dispositions.map((d) => (
          <button
            key={d.id}
            type="button"
            aria-pressed={only === d.id}
            onClick={() => setOnly(only === d.id ? undefined : d.id)}
            className={cn(
              "rounded-lg border p-2.5 text-left hover:bg-sunken",
              only === d.id && "border-accent bg-accent-soft/50",
            )}
          >
            <span className="flex items-center gap-2">
              <span className="text-lg leading-none font-semibold tabular-nums">
                {items.filter((i) => i.disposition === d.id).length}
              </span>
              <Badge tone={d.tone}>{d.id}</Badge>
            </span>
            <span className="mt-1 block text-xs text-ink-2">{d.means}</span>
          </button>
        ))}
      </div>
      {shown.length === 0 && (
        <p className="flex flex-wrap items-center gap-3 p-4 text-ink-2">
          No part matches.{" "}
          <Button
            size="small"
            onClick={() => {
              setOnly(undefined);
              setSearch("");
            }}
          >
            Show all {items.length}
          </Button>
        </p>
      )}
      {services.map((service) => (
        <Group key={service} title={service || "The sandbox itself"} items={shown.filter((i) => (i.service ?? "") === service)} />
      ))}
    </section>
  );
}

function Group({ title, items }: { title: string; items: Item[] }) {
  return (
    <details open className="group border-b last:border-b-0">
      <summary className="flex flex-wrap items-center gap-2 px-3 py-2 font-medium hover:bg-sunken">
        {title}{" "}
        <span className="text-xs font-normal text-ink-3">
          {dispositions
            .map((d) => [items.filter((i) => i.disposition === d.id).length, d.id] as const)
            .filter(([n]) => n > 0)
            .map(([n, id]) => `${n} ${id}`)
            .join(", ")}
        </span>
      </summary>
      <ul className="divide-y border-t">
        {items.map((i, n) => (
          <li
            key={n}
            className="grid gap-x-3 gap-y-0.5 px-3 py-1.5 text-xs sm:grid-cols-[7rem_6rem_minmax(0,1fr)_minmax(0,1.4fr)]"
          >
            <span className="flex flex-wrap items-center gap-2 sm:contents">
              <span>
                <Badge tone={dispositions.find((d) => d.id === i.disposition)?.tone}>{i.disposition}</Badge>
              </span>
              <span className="text-ink-2 sm:pt-0.5">{i.what}</span>
              <span className="min-w-0 font-mono font-medium wrap-anywhere sm:pt-0.5">{i.key}</span>
            </span>
            <span className="min-w-0 break-words text-ink-3 sm:pt-0.5">{i.detail}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
