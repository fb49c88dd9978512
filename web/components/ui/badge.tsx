import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

/** Tone says what a colour means, everywhere: green works, amber wants attention, red failed, blue is under way. */
export type Tone = "ok" | "warn" | "bad" | "info" | "idle" | "ocp";

export const soft: Record<Tone, string> = {
  ok: "bg-ok-soft text-ok-text",
  warn: "bg-warn-soft text-warn-text",
  bad: "bg-bad-soft text-bad-text",
  info: "bg-info-soft text-info-text",
  idle: "bg-idle-soft text-idle-text",
  ocp: "bg-ocp-soft text-ocp-text",
};
export const solid: Record<Tone, string> = {
  ok: "bg-ok",
  warn: "bg-warn",
  bad: "bg-bad",
  info: "bg-info",
  idle: "bg-idle",
  ocp: "bg-ocp",
};

/** Badge is a word with a colour: never the colour alone. */
export function Badge({
  tone = "idle",
  dot,
  title,
  className,
  children,
}: {
  tone?: Tone;
  dot?: boolean;
  title?: string;
  className?: string;
  children: ReactNode;
}) {
  return (
    <span
      title={title}
      className={cn(
        "inline-flex max-w-full items-center gap-1.5 rounded-full px-2 py-0.5 text-xs font-medium whitespace-nowrap",
        soft[tone],
        className,
      )}
    >
      {dot && <Dot tone={tone} pulse={tone === "info"} />}
      <span className="truncate">{children}</span>
    </span>
  );
}

/** Dot is decoration beside a word. */
export function Dot({ tone, pulse, className }: { tone: Tone; pulse?: boolean; className?: string }) {
  return <span aria-hidden className={cn("size-2 shrink-0 rounded-full", solid[tone], pulse && "animate-pulse", className)} />;
}
