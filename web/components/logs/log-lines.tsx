"use client";

import { defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef, type MouseEvent, type RefObject } from "react";
import type { LogSnapshot, LogStore } from "@/lib/log-store";
import { cn } from "@/lib/cn";
import { LogLine } from "./log-line";
import type { Range } from "./marks";

const row = 20; // pixels
const character = 7.2; // pixels, about; what is measured corrects it
const pool = 1000; // more than are ever in sight
const widest = 5000; // characters a line is shown with

interface LogLinesProps {
  store: LogStore;
  log: LogSnapshot;
  label: string;
  wrap: boolean;
  following: boolean;
  onFollow: (following: boolean) => void;
  marked: Range | undefined;
  onMark: (range: Range) => void;
  pattern: RegExp | undefined;
  /** The line the search is at. */
  current: number | undefined;
  /** Scrolls to a line whenever it is another object. */
  goal: { line: number } | undefined;
  scroller: RefObject<HTMLDivElement | null>;
}

/** LogLines shows the lines that can be seen, out of however many there are. */
export function LogLines({
  store,
  log,
  label,
  wrap,
  following,
  onFollow,
  marked,
  onMark,
  pattern,
  current,
  goal,
  scroller,
}: LogLinesProps) {
  const digits = Math.max(3, String(log.lines).length);
  const gutter = `calc(${digits}ch + 1.25rem)`;
  const height = (index: number) => {
    const columns = Math.floor(((scroller.current?.clientWidth ?? 800) - 24) / character) - digits - 2;
    return row * Math.max(1, Math.ceil(Math.min(widest, store.line(index)?.text.length ?? 0) / Math.max(10, columns)));
  };
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing of it is kept over renders
  const virtual = useVirtualizer({
    count: log.lines,
    getScrollElement: () => scroller.current,
    estimateSize: wrap ? height : () => row,
    overscan: 12,
    // The end that is followed is rendered at once, not only when the browser tells that it was scrolled to.
    rangeExtractor: (range) => {
      if (!following) return defaultRangeExtractor(range);
      const shown = range.endIndex - range.startIndex + 1 + 2 * range.overscan;
      const first = Math.max(0, range.count - shown);
      return Array.from({ length: range.count - first }, (_, i) => first + i);
    },
  });
  const size = virtual.getTotalSize();
  useEffect(() => virtual.measure(), [wrap, virtual]);
  useFollow(scroller, following, onFollow, size);
  useLayoutEffect(() => {
    if (goal) virtual.scrollToIndex(goal.line, { align: "center" });
  }, [goal, virtual]);

  const mark = (e: MouseEvent) => {
    const number = Number((e.target as HTMLElement).closest<HTMLElement>("a[data-n]")?.dataset.n);
    if (!number) return;
    e.preventDefault();
    onMark(
      e.shiftKey && marked
        ? { from: Math.min(marked.from, number), to: Math.max(marked.from, number) }
        : { from: number, to: number },
    );
  };
  return (
    <div
      ref={scroller}
      role="region"
      aria-label={label}
      tabIndex={0}
      onClick={mark}
      style={{ ["--gutter" as string]: gutter }}
      className="relative min-h-0 flex-1 overflow-auto overscroll-contain bg-log [contain:strict] font-mono text-xs leading-5 text-log-ink [overflow-anchor:none] focus-visible:outline-offset-[-2px]"
    >
      <div
        className="relative min-w-full"
        style={{ height: size, width: wrap ? "100%" : `calc(var(--gutter) + ${Math.min(widest, log.longest) + 2}ch)` }}
      >
        {virtual.getVirtualItems().map((v) => {
          const line = store.line(v.index);
          const n = v.index + 1;
          const isMarked = marked !== undefined && n >= marked.from && n <= marked.to;
          return (
            line && (
              // Rows of one height are used again for other lines: that costs a browser far less than new ones.
              <div
                key={wrap ? v.key : v.index % pool}
                data-index={v.index}
                ref={wrap ? virtual.measureElement : undefined}
                style={{ transform: `translateY(${v.start}px)` }}
                className={cn(
                  "absolute top-0 left-0 flex min-h-5 min-w-full items-start [contain:layout_style] hover:bg-white/4",
                  wrap && "w-full",
                  isMarked && "bg-log-mark hover:bg-log-mark",
                )}
              >
                <LogLine line={line} number={n} marked={isMarked} pattern={pattern} current={v.index === current} wrap={wrap} />
              </div>
            )
          );
        })}
      </div>
    </div>
  );
}

/** useFollow keeps the end in sight while it is followed. Scrolling up pauses it, scrolling down to the end goes on. */
function useFollow(scroller: RefObject<HTMLDivElement | null>, following: boolean, onFollow: (f: boolean) => void, size: number) {
  const state = useRef({ following, onFollow, top: 0 });
  useLayoutEffect(() => {
    state.current.following = following;
    state.current.onFollow = onFollow;
  }, [following, onFollow]);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box || !state.current.following) return;
    box.scrollTo({ top: box.scrollHeight, behavior: "instant" });
    state.current.top = Infinity; // asking where that is would have the browser lay all out once more
  }, [scroller, following, size]);
  useEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const watch = () => {
      const s = state.current;
      const top = box.scrollTop;
      const atEnd = box.scrollHeight - box.clientHeight - top < row * 1.5;
      const up = top < s.top - 1;
      const down = top > s.top + 1;
      s.top = top;
      if (s.following ? up && !atEnd : down && atEnd) {
        // At once, not with the next render: what arrives between must not pull the reader back.
        s.following = !s.following;
        s.onFollow(s.following);
      }
    };
    // Before the lines are rendered anew, after which every question costs a layout.
    const early = { passive: true, capture: true };
    box.addEventListener("scroll", watch, early);
    return () => box.removeEventListener("scroll", watch, early);
  }, [scroller]);
}
