import type { Tone } from "./badge";

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
      <p className="flex items-baseline justify-between gap-3 text-xs"><span className="text-ink-3">{label}</span><span className="truncate text-ink-2 tabular-nums">{text}</span></p>
      <div role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent} aria-valuetext={text} className="relative mt-1 h-1.5 rounded-full bg-idle-soft">
        {/* An SVG, because the page's policy refuses style attributes in its HTML. */}
        <svg aria-hidden className="size-full overflow-hidden rounded-full" preserveAspectRatio="none" viewBox="0 0 100 1">
          <rect width={percent} height="1" className={fills[tone]} />
        </svg>
        {mark !== undefined && (
          <svg aria-hidden className="absolute -inset-y-0.5 left-0 h-[calc(100%+4px)] w-full overflow-visible" preserveAspectRatio="none" viewBox="0 0 100 1">
            <title>{markTitle}</title>
            <line x1={mark * 100} x2={mark * 100} y1="0" y2="1" vectorEffect="non-scaling-stroke" className="stroke-ink-2" strokeWidth="2" />
          </svg>
        )}
      </div>
    </div>
  );
}

const fills: Record<Tone, string> = {
  ok: "fill-ok", warn: "fill-warn", bad: "fill-bad", info: "fill-info", idle: "fill-idle", ocp: "fill-ocp",
};

/** fullness is the colour of something that fills up. */
export function fullness(used: number | undefined, warn = 0.8, bad = 0.95): Tone {
  if (used === undefined) return "idle";
  return used >= bad ? "bad" : used >= warn ? "warn" : "ok";
}
