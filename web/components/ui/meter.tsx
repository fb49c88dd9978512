import { cn } from "@/lib/cn";
import { solid, type Tone } from "./badge";

interface MeterProps {
  /** What is measured, for screen readers too. */
  label: string;
  /** The numbers, in words: the bar alone says too little. */
  text: string;
  /** Part that is used, 0 to 1; undefined where nobody knows. */
  used: number | undefined;
  tone?: Tone;
  /** Where something happens by itself, 0 to 1, such as a clean-up. */
  mark?: number;
  markTitle?: string;
}

/** Meter shows how much of something is used: a bar, and the numbers. */
export function Meter({ label, text, used, tone = "ok", mark, markTitle }: MeterProps) {
  const percent = used === undefined ? 0 : Math.round(Math.min(1, Math.max(0, used)) * 100);
  return (
    <div className="min-w-0">
      <p className="flex items-baseline justify-between gap-3 text-xs">
        <span className="shrink-0 text-ink-3">{label}</span>
        <span className="truncate text-ink-2 tabular-nums">{text}</span>
      </p>
      <div
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        aria-valuetext={text}
        className="relative mt-1 h-1.5 rounded-full bg-idle-soft"
      >
        <div aria-hidden className="size-full overflow-hidden rounded-full">
          <div className={cn("h-full", solid[tone])} style={{ width: `${percent}%` }} />
        </div>
        {mark !== undefined && (
          <span
            aria-hidden
            title={markTitle}
            className="absolute -inset-y-0.5 -ml-px w-0.5 bg-ink-2"
            style={{ left: `${mark * 100}%` }}
          />
        )}
      </div>
    </div>
  );
}

/** fullness is the colour of something that fills up. */
export function fullness(used: number | undefined, warn = 0.8, bad = 0.95): Tone {
  if (used === undefined) return "idle";
  return used >= bad ? "bad" : used >= warn ? "warn" : "ok";
}
