"use client";

import { Check, CircleDashed, CircleSlash, LoaderCircle, X, Zap, type LucideIcon } from "lucide-react";
import { Fragment } from "react";
import { cn } from "@/lib/cn";
import { duration, time } from "@/lib/format";
import type { Step } from "./use-deployment";
import { stepName } from "./words";

const icons: Record<Step["state"], { icon: LucideIcon; className: string }> = {
  pending: { icon: CircleDashed, className: "text-ink-3" },
  running: { icon: LoaderCircle, className: "animate-spin text-info-text" },
  done: { icon: Check, className: "text-ok-text" },
  cached: { icon: Zap, className: "text-ok-text" },
  failed: { icon: X, className: "text-bad-text" },
  cancelled: { icon: CircleSlash, className: "text-warn-text" },
};
const bars: Record<Step["state"], string> = {
  pending: "",
  running: "bg-info",
  done: "bg-ok",
  cached: "bg-ok",
  failed: "bg-bad",
  cancelled: "bg-warn",
};

/** Gantt shows steps as a list, each with a bar on one time axis. */
export function Gantt({ steps, now }: { steps: Step[]; now: number }) {
  const { begin, span, ticks } = axis(steps, now);
  return (
    <div className="overflow-hidden">
      <ol
        aria-label="Steps"
        className="grid grid-cols-[1.25rem_minmax(0,1fr)_auto] items-center gap-x-2.5 sm:grid-cols-[1.25rem_11rem_minmax(0,1fr)_4.75rem]"
      >
        {steps.map((s) => (
          <StepRow key={s.name} step={s} begin={begin} span={span} now={now} ticks={ticks} />
        ))}
      </ol>
      {span > 0 && (
        <div
          aria-hidden
          className="mt-1 hidden grid-cols-[1.25rem_11rem_minmax(0,1fr)_4.75rem] gap-x-2.5 text-xs text-ink-3 tabular-nums sm:grid"
        >
          <div className="relative col-start-3 h-4">
            {ticks.map((t) => (
              <span
                key={t}
                className={cn("absolute whitespace-nowrap", t > 0 && "-translate-x-1/2")}
                style={{ left: `${(t / span) * 100}%` }}
              >
                {duration(t)}
              </span>
            ))}
          </div>
        </div>
      )}
    </div>
  );
}

function StepRow({
  step: s,
  begin,
  span,
  now,
  ticks,
}: {
  step: Step;
  begin: number;
  span: number;
  now: number;
  ticks: number[];
}) {
  const { icon: Icon, className } = icons[s.state];
  const from = time(s.startedAt);
  const to = time(s.finishedAt) ?? (s.state === "running" ? now : from);
  const took = from === undefined || to === undefined ? undefined : Math.max(0, to - from);
  const quiet = s.state === "pending";
  return (
    <li className="col-span-full grid grid-cols-subgrid items-center" data-step={s.name} data-state={s.state}>
      <Icon aria-hidden className={cn("size-4", className)} strokeWidth={2.25} />
      <span className={cn("min-w-0 py-1 sm:py-1.5", quiet && "text-ink-3")}>
        {stepName(s.name)}
        <span
          className={cn(s.state === "cached" ? "ml-1.5 rounded-full bg-ok-soft px-1.5 py-px text-xs text-ok-text" : "sr-only")}
        >
          {" "}
          {s.state}
        </span>
      </span>
      <span
        aria-hidden
        className="relative order-last col-span-full mb-1.5 h-2 self-center rounded-sm bg-sunken sm:order-none sm:col-span-1 sm:mb-0 sm:h-5"
      >
        {ticks.map((t) => (
          <Fragment key={t}>
            {t > 0 && (
              <span className="absolute inset-y-0 hidden w-px bg-line sm:block" style={{ left: `${(t / span) * 100}%` }} />
            )}
          </Fragment>
        ))}
        {from !== undefined && took !== undefined && s.state !== "cached" && span > 0 && (
          <span
            title={s.detail}
            className={cn(
              "absolute inset-y-0 min-w-[3px] rounded-sm sm:inset-y-1",
              bars[s.state],
              s.state === "running" && "animate-pulse",
            )}
            style={{ left: `${((from - begin) / span) * 100}%`, width: `${(took / span) * 100}%` }}
          />
        )}
        {s.state === "cached" && from !== undefined && span > 0 && (
          <span
            className="absolute inset-y-0 w-1 rounded-sm border border-ok bg-ok-soft sm:inset-y-1"
            style={{ left: `${((from - begin) / span) * 100}%` }}
          />
        )}
      </span>
      <span className={cn("text-right text-xs tabular-nums", quiet ? "text-ink-3" : "text-ink-2")}>
        {s.state === "cached" ? "0 ms" : took === undefined ? (quiet ? "" : "…") : duration(took)}
      </span>
      {s.detail && s.state !== "cached" && <span className="sr-only">{s.detail}</span>}
    </li>
  );
}

/** axis spans all that has run so far, with a few round ticks. */
function axis(steps: Step[], now: number) {
  const starts = steps.map((s) => time(s.startedAt)).filter((t) => t !== undefined);
  if (starts.length === 0) return { begin: 0, span: 0, ticks: [] };
  const begin = Math.min(...starts);
  const end = Math.max(...steps.map((s) => time(s.finishedAt) ?? (s.state === "running" ? now : 0)), begin);
  const span = Math.max(end - begin, 100) * 1.02;
  const rough = span / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? rough;
  const ticks: number[] = [];
  for (let t = 0; t < span * 0.97; t += step) ticks.push(t);
  return { begin, span, ticks };
}
