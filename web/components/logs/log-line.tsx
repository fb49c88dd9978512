"use client";

import { memo, type CSSProperties, type ReactNode } from "react";
import type { Line, Style } from "@/lib/ansi";
import { cn } from "@/lib/cn";
import { css, legible, mix } from "@/lib/contrast";

const ground = 0x0f141b; // --log
const ink = 0xd7dde5; // --log-ink
const mostShown = 5000; // characters of one line; a browser lays out no more at once without stalling

interface LogLineProps {
  line: Line;
  number: number;
  marked: boolean;
  /** Where the search found something, and whether this is the place one is at. */
  pattern: RegExp | undefined;
  current: boolean;
  wrap: boolean;
}

/** LogLine is the text of one line, as text, in its colours. */
export const LogLine = memo(function LogLine({ line, number, marked, pattern, current, wrap }: LogLineProps) {
  const text = line.text.slice(0, mostShown);
  return (
    <>
      {/* The number is no text of the line: neither selected nor copied with it. */}
      <a
        href={`#L${number}`}
        data-n={number}
        tabIndex={-1}
        aria-label={`Line ${number}`}
        className={cn(
          "sticky left-0 z-1 shrink-0 self-stretch bg-log pr-3 pl-2 text-right text-log-dim select-none before:content-[attr(data-n)] hover:text-log-ink",
          marked && "bg-log-mark text-log-ink",
        )}
        style={{ width: "var(--gutter)" }}
      />
      <span
        data-line={number}
        className={cn("min-w-0 pr-4", wrap ? "break-all whitespace-pre-wrap" : "whitespace-pre", marked && "bg-log-mark")}
      >
        {pieces(line, text, pattern, current)}
      </span>
      {line.text.length > mostShown && (
        <span className="px-2 whitespace-nowrap text-log-dim select-none">
          … {(line.text.length - mostShown).toLocaleString("en")} more characters; the download has them
        </span>
      )}
    </>
  );
});

/** pieces cuts the text where its style or the highlighting changes. */
function pieces(line: Line, text: string, pattern: RegExp | undefined, current: boolean): ReactNode {
  const found = pattern ? [...text.matchAll(pattern)].map((m) => [m.index, m.index + m[0].length] as const) : [];
  if (!line.runs && found.length === 0) return tagged(text) || " ";
  const out: ReactNode[] = [];
  let start = 0;
  for (const run of line.runs ?? [{ end: text.length, style: {} }]) {
    const end = Math.min(run.end, text.length);
    let at = start;
    for (const [from, to] of found) {
      if (to <= at || from >= end) continue;
      if (from > at) out.push(piece(text, at, from, run.style));
      const [a, b] = [Math.max(from, at), Math.min(to, end)];
      out.push(
        <mark key={`m${a}`} className={cn("rounded-[2px] text-black", current ? "bg-[#ff9f43]" : "bg-[#f5d76e]")}>
          {text.slice(a, b)}
        </mark>,
      );
      at = b;
    }
    if (end > at) out.push(piece(text, at, end, run.style));
    start = Math.max(start, end);
  }
  return out;
}

/** tagged sets apart what SDP itself writes: "[BUILD] ...", "[ERROR] ...". */
function tagged(text: string): ReactNode {
  const tag = /^\[[A-Z_]{2,20}\](?= )/.exec(text)?.[0];
  if (!tag) return text;
  if (tag === "[ERROR]") return <span className="text-[#ff9f98]">{text}</span>;
  return (
    <>
      <span className="text-[#8fb0ff]">{tag}</span>
      {text.slice(tag.length)}
    </>
  );
}

function piece(text: string, from: number, to: number, style: Style): ReactNode {
  return (
    <span key={from} style={look(style)}>
      {text.slice(from, to)}
    </span>
  );
}

const looks = new WeakMap<Style, CSSProperties>();

/** look is a style for the page; colours are moved until they can be read on what is behind them. */
function look(s: Style): CSSProperties {
  const known = looks.get(s);
  if (known) return known;
  const [fg, bg] = s.inverse ? [s.bg ?? ground, s.fg ?? ink] : [s.fg, s.bg];
  const behind = bg ?? ground;
  const out: CSSProperties = {
    color:
      fg === undefined && bg === undefined && !s.dim
        ? undefined
        : css(legible(s.dim ? mix(fg ?? ink, behind, 0.35) : (fg ?? ink), behind)),
    backgroundColor: bg === undefined ? undefined : css(bg),
    fontWeight: s.bold ? 600 : undefined,
    fontStyle: s.italic ? "italic" : undefined,
    textDecoration: [s.underline && "underline", s.strike && "line-through"].filter(Boolean).join(" ") || undefined,
  };
  looks.set(s, out);
  return out;
}
