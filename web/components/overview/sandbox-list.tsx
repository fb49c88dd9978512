"use client";

import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Group } from "./filter";
import { SandboxCard } from "./sandbox-card";
import { RowHead, SandboxRow } from "./sandbox-row";
import type { Sandbox } from "./use-sandboxes";

const narrowest = 360; // pixels a card needs for a branch, a commit and a state beside each other
const gap = 16;

type Line = { kind: "heading"; key: string; label: string; count: number } | { kind: "items"; key: string; items: Sandbox[] };

/** lines cuts groups into what is drawn as one line each. */
function lines(groups: Group[], across: number): Line[] {
  return groups.flatMap((g) => {
    const out: Line[] = g.label ? [{ kind: "heading", key: "heading " + g.label, label: g.label, count: g.items.length }] : [];
    for (let i = 0; i < g.items.length; i += across) {
      const items = g.items.slice(i, i + across);
      out.push({ kind: "items", key: items[0]!.name, items });
    }
    return out;
  });
}

/** SandboxList draws only what is near the screen, so that 500 sandboxes cost no more than 20. */
export function SandboxList({ groups, rows }: { groups: Group[]; rows: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const { width, top } = usePlace(box);
  const across = rows ? 1 : Math.max(1, Math.floor((width + gap) / (narrowest + gap)));
  const all = useMemo(() => lines(groups, across), [groups, across]);
  const virtual = useWindowVirtualizer({
    count: all.length,
    estimateSize: (i) => (all[i]?.kind === "heading" ? 40 : rows ? 57 : 260),
    getItemKey: (i) => all[i]?.key ?? i,
    overscan: rows ? 10 : 3,
    scrollMargin: top,
    useFlushSync: false,
  });
  const total = groups.reduce((n, g) => n + g.items.length, 0);
  return (
    <div className={rows ? "@container overflow-clip rounded-xl border bg-surface" : undefined}>
      {rows && <RowHead />}
      <div ref={box} role="list" aria-label="Sandboxes" className="relative" style={{ height: virtual.getTotalSize() }}>
        {width > 0 &&
          virtual.getVirtualItems().map((v) => {
            const line = all[v.index]!;
            return (
              <div
                key={v.key}
                data-index={v.index}
                ref={virtual.measureElement}
                className="absolute inset-x-0 top-0"
                style={{ transform: `translateY(${v.start - top}px)` }}
              >
                {line.kind === "heading" ? (
                  <div role="listitem" className={rows ? "border-b bg-sunken/60 px-4 py-2" : "pb-2"}>
                    <h2 className="text-sm font-semibold">
                      {line.label} <span className="font-normal text-ink-3">{line.count}</span>
                    </h2>
                  </div>
                ) : (
                  <div
                    className={rows ? undefined : "grid gap-4 pb-4"}
                    style={rows ? undefined : { gridTemplateColumns: `repeat(${across}, minmax(0, 1fr))` }}
                  >
                    {line.items.map((s) => (
                      <div key={s.name} role="listitem" aria-setsize={total} className="min-w-0">
                        {rows ? <SandboxRow sandbox={s} /> : <SandboxCard sandbox={s} />}
                      </div>
                    ))}
                  </div>
                )}
              </div>
            );
          })}
      </div>
    </div>
  );
}

/** usePlace follows how wide an element is and how far below the top of the page it begins. */
function usePlace(ref: React.RefObject<HTMLElement | null>) {
  const [place, setPlace] = useState({ width: 0, top: 0 });
  useEffect(() => {
    const look = () => {
      const r = ref.current?.getBoundingClientRect();
      if (!r) return;
      const width = Math.round(r.width),
        top = Math.round(r.top + window.scrollY);
      setPlace((p) => (p.width === width && p.top === top ? p : { width, top }));
    };
    // What stands above the list moves it: the height of the body tells.
    const watch = new ResizeObserver(look);
    watch.observe(document.body);
    if (ref.current) watch.observe(ref.current);
    return () => watch.disconnect();
  }, [ref]);
  return place;
}
