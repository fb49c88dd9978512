"use client";

import { CircleAlert, CornerDownRight, TextSearch } from "lucide-react";
import { Button } from "@/components/ui/button";
import { AnsiParser } from "@/lib/ansi";
import type { Schemas } from "@/lib/api";
import { stepName } from "./words";

type Failure = Schemas["Failure"];

/** FailureSummary says what failed, why, what the compiler or the container said last, and what to do. */
export function FailureSummary({ failure, onShow }: { failure: Failure; onShow?: (line: string) => void }) {
  const lines = plainLines(failure.output ?? "");
  const place = telling(lines);
  return (
    <div role="alert" className="mb-5 overflow-hidden rounded-xl border border-bad/50">
      <div className="flex gap-3 bg-bad-soft px-4 py-3 text-bad-text">
        <CircleAlert aria-hidden className="mt-0.5 size-5 shrink-0" />
        <div className="min-w-0 flex-1 space-y-1 break-words">
          <p className="text-base font-semibold">{failure.step ? `Failed at: ${stepName(failure.step).toLowerCase()}` : "Failed"}</p>
          <p>{failure.detail}</p>
          {failure.remedy && (
            <p className="flex gap-1.5 font-medium">
              <CornerDownRight aria-hidden className="mt-0.5 size-4 shrink-0" />
              <span className="min-w-0"><span className="sr-only">What to do: </span>{failure.remedy}</span>
            </p>
          )}
        </div>
      </div>
      {lines.length > 0 && (
        <div className="bg-log text-log-ink">
          <div className="flex items-center justify-between gap-3 px-4 pt-2 text-xs text-log-dim">
            <span>Last lines</span>
            {onShow && place && (
              <Button size="small" onClick={() => onShow(place)}><TextSearch aria-hidden className="size-3.5" /> Show in the log</Button>
            )}
          </div>
          <pre tabIndex={0} aria-label="Last lines" className="max-h-56 overflow-auto px-4 pt-1 pb-3 font-mono text-xs leading-5 whitespace-pre-wrap break-words">
            {lines.map((l, i) => <span key={i} className={l === place ? "block font-semibold text-[#ff9f98]" : "block"}>{l || " "}</span>)}
          </pre>
        </div>
      )}
    </div>
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

/** telling is the line that most likely says why: the first place a compiler names, an error, or else the last line. */
function telling(lines: string[]): string | undefined {
  return lines.find((l) => /\S:\d+(:\d+)?: /.test(l)) ?? lines.find((l) => /\b(panic|fatal|error)\b/i.test(l)) ?? lines.at(-1);
}
