"use client";

import { CircleAlert, TextSearch } from "lucide-react";
import { useLayoutEffect, useRef } from "react";
import { Button } from "@/components/ui/button";
import { Remedy } from "@/components/ui/remedy";
import { AnsiParser } from "@/lib/ansi";
import type { Schemas } from "@/lib/api";
import { stepName, telling } from "./words";

type Failure = Schemas["Failure"];

/** FailureSummary says what failed, why, what the compiler or the container said last, and what to do. */
export function FailureSummary({ failure, onShow }: { failure: Failure; onShow?: (line: string) => void }) {
  const lines = plainLines(failure.output ?? "");
  const place = telling(lines);
  const told = place === undefined ? undefined : lines[place];
  return (
    <div role="alert" className="mb-5 overflow-hidden rounded-xl border border-bad/50">
      <div className="flex gap-3 bg-bad-soft px-4 py-3 text-bad-text">
        <CircleAlert aria-hidden className="mt-0.5 size-5 shrink-0" />
        <div className="min-w-0 flex-1 space-y-1 break-words">
          <p className="text-base font-semibold">
            {failure.step ? `Failed at: ${stepName(failure.step).toLowerCase()}` : "Failed"}
          </p>
          <p>{failure.detail}</p>
          <Remedy remedy={failure.remedy} command={failure.command} />
        </div>
      </div>
      {lines.length > 0 && (
        <div className="bg-log text-log-ink">
          <div className="flex items-center justify-between gap-3 px-4 pt-2 text-xs text-log-dim">
            <span>Last lines</span>
            {onShow && told && (
              <Button size="small" onClick={() => onShow(told)}>
                <TextSearch aria-hidden className="size-3.5" /> Show in the log
              </Button>
            )}
          </div>
          <LastLines lines={lines} place={place} />
        </div>
      )}
    </div>
  );
}

/** LastLines opens at the line that says why: the first ones are often about what went well. */
function LastLines({ lines, place }: { lines: string[]; place: number | undefined }) {
  const frame = useRef<HTMLPreElement>(null);
  const line = useRef<HTMLSpanElement>(null);
  const text = lines.join("\n");
  useLayoutEffect(() => {
    const [outer, inner] = [frame.current, line.current];
    if (outer && inner) outer.scrollTop = inner.offsetTop - (outer.clientHeight - inner.offsetHeight) / 2;
  }, [text, place]);
  return (
    <pre
      ref={frame}
      tabIndex={0}
      aria-label="Last lines"
      className="relative max-h-56 overflow-auto px-4 pt-1 pb-3 font-mono text-xs leading-5 whitespace-pre-wrap break-words"
    >
      {lines.map((l, i) => (
        <span
          key={i}
          ref={i === place ? line : undefined}
          className={i === place ? "block font-semibold text-[#ff9f98]" : "block"}
        >
          {l || " "}
        </span>
      ))}
    </pre>
  );
}

function plainLines(output: string): string[] {
  const parser = new AnsiParser();
  const lines: string[] = [];
  parser.write(output, (l) => lines.push(l.text));
  parser.end((l) => lines.push(l.text));
  while (lines.at(-1) === "") lines.pop();
  return lines;
}
