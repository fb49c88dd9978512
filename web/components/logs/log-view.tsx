"use client";

import { ArrowDown, LoaderCircle, X } from "lucide-react";
import { useEffect, useMemo, useRef, useState, type ClipboardEvent, type KeyboardEvent } from "react";
import { Dot } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { CopyButton } from "@/components/ui/copy";
import { cn } from "@/lib/cn";
import { bytes, plural } from "@/lib/format";
import { pattern, type LineSearch, type LogSnapshot, type LogStore } from "@/lib/log-store";
import type { SocketState } from "@/lib/use-socket";
import { LogLines } from "./log-lines";
import { LogToolbar } from "./log-toolbar";
import { linkTo, rangeOf, type Range } from "./marks";
import { useLog } from "./use-log";

/** What a LogView is made from: both are paths of the API. */
export interface LogViewProps {
  /** Path of the WebSocket, without an offset. */
  stream: string;
  /** Path of the whole log as a file. */
  download: string;
  /** What it is the log of, for screen readers. */
  label?: string;
  /** Shows the last line that is the text, or has it; another object asks again. */
  seek?: { text: string };
  /** Its size: it fills what it is given. */
  className?: string;
}

/** LogView follows a log live: search, follow and pause, links to lines, copy, download. */
export function LogView(props: LogViewProps) {
  // Another log is another view: nothing of the one before stays.
  return <OpenLogView key={props.stream} {...props} />;
}

function OpenLogView({ stream, download, label = "Log", seek, className }: LogViewProps) {
  const { store, log, connection } = useLog(stream);
  const [marked, setMarked] = useState<Range | undefined>(() =>
    typeof location === "undefined" ? undefined : rangeOf(location.hash),
  );
  const [linked, setLinked] = useState(marked);
  const [following, setFollowing] = useState(!marked);
  const [seen, setSeen] = useState(0);
  const [wrap, setWrap] = useState(() => typeof matchMedia !== "undefined" && matchMedia("(width < 40rem)").matches);
  const [search, setSearch] = useState<LineSearch>({ text: "", matchCase: false });
  const [at, setAt] = useState(-1);
  const [goal, setGoal] = useState<{ line: number }>();
  const [sought, setSought] = useState<LogViewProps["seek"]>();
  const scroller = useRef<HTMLDivElement>(null);
  const searchRef = useRef<HTMLInputElement>(null);
  const highlight = useMemo(() => pattern(search, "g"), [search]);
  const show = (line: number) => {
    pause();
    setGoal({ line });
  };
  const mark = (range: Range | undefined) => {
    setMarked(range);
    history.replaceState(null, "", linkTo(range));
  };
  const pause = () => {
    setFollowing(false);
    setSeen(log.lines);
  };
  const follow = (on: boolean) => {
    if (on) setFollowing(true);
    else pause();
  };

  // What is pointed at may not have arrived yet; it is shown when it has, and then no more.
  if (linked && log.lines >= linked.from) {
    setLinked(undefined);
    show(linked.from - 1);
  }
  if (seek && seek !== sought) {
    const line = lastLine(store, log.lines, seek.text);
    if (line !== undefined || log.final) {
      setSought(seek);
      if (line !== undefined) {
        setMarked({ from: line + 1, to: line + 1 });
        show(line);
      }
    }
  }
  useEffect(() => store.find(search), [store, search]);
  useEffect(() => {
    if (seek) scroller.current?.focus({ preventScroll: true });
  }, [seek]);

  const move = (by: 1 | -1) => {
    if (log.hits.length === 0) return;
    const next = at < 0 ? firstInSight(log.hits, scroller.current, by) : (at + by + log.hits.length) % log.hits.length;
    const line = log.hits[next]!;
    setAt(next);
    mark({ from: line + 1, to: line + 1 });
    show(line);
  };
  const markedText = () => (marked ? store.text(marked.from - 1, marked.to) : "");
  const copy = () => selectionIn(scroller.current) || (marked ? markedText() : store.text(0, log.lines));
  const keys = (e: KeyboardEvent) => {
    // The browser's own search sees only the lines in sight.
    if ((e.ctrlKey || e.metaKey) && e.key === "f" && document.activeElement !== searchRef.current) {
      e.preventDefault();
      searchRef.current?.focus();
      searchRef.current?.select();
    } else if ((e.ctrlKey || e.metaKey) && e.key === "a" && document.activeElement === scroller.current && log.lines > 0) {
      e.preventDefault();
      mark({ from: 1, to: log.lines });
    }
  };
  const copied = (e: ClipboardEvent) => {
    if (!marked || document.activeElement === searchRef.current || selectionIn(scroller.current)) return;
    e.preventDefault();
    e.clipboardData.setData("text/plain", markedText());
  };
  const fresh = log.lines - seen;
  const ended = log.final || connection === "ended";
  // A short log that has ended takes no more room than it needs.
  const height = ended && !className ? `min(70dvh, ${Math.max(10, log.lines * (wrap ? 2 : 1) + 1) * 20 + 84}px)` : undefined;
  return (
    <div
      onKeyDown={keys}
      onCopy={copied}
      style={{ height }}
      className={cn("relative flex h-[70dvh] flex-col overflow-hidden rounded-xl border", className)}
    >
      <LogToolbar
        search={search}
        searchRef={searchRef}
        at={at}
        hits={log.hits.length}
        onMove={move}
        wrap={wrap}
        onWrap={() => setWrap(!wrap)}
        following={following}
        onFollow={ended && following ? undefined : follow}
        copy={copy}
        download={download}
        onSearch={(s) => {
          setSearch(s);
          setAt(-1);
        }}
      />
      <LogLines
        store={store}
        log={log}
        label={label}
        wrap={wrap}
        following={following}
        onFollow={follow}
        marked={marked}
        onMark={mark}
        pattern={highlight}
        current={at < 0 ? undefined : log.hits[at]}
        goal={goal}
        scroller={scroller}
      />
      {!following && fresh > 0 && (
        <Button
          look="primary"
          size="small"
          className="absolute bottom-10 left-1/2 -translate-x-1/2 rounded-full shadow-lg"
          onClick={() => follow(true)}
        >
          <ArrowDown aria-hidden className="size-3.5" /> {plural(fresh, "new line")}
        </Button>
      )}
      <div className="flex min-h-8 flex-wrap items-center gap-x-3 border-t bg-surface px-3 py-0.5 text-xs text-ink-2">
        <Status ended={ended} connection={connection} log={log} />
        {marked && (
          <span className="ml-auto flex items-center gap-1">
            {marked.to > marked.from ? `Lines ${marked.from} to ${marked.to}` : `Line ${marked.from}`}
            <CopyButton text={() => location.origin + linkTo(marked)} label="Copy link" words />
            <Button look="quiet" size="icon" className="size-7" aria-label="Unmark" onClick={() => mark(undefined)}>
              <X aria-hidden className="size-3.5" />
            </Button>
          </span>
        )}
      </div>
    </div>
  );
}

function Status({ ended, connection, log }: { ended: boolean; connection: SocketState; log: LogSnapshot }) {
  const lost = connection === "waiting" && !ended;
  return (
    <>
      <span role="status" className="flex items-center gap-1.5">
        {lost ? (
          <LoaderCircle aria-hidden className="size-3.5 animate-spin text-warn" />
        ) : (
          <Dot tone={ended ? "idle" : "ok"} pulse={!ended} />
        )}
        {ended ? "Ended" : lost ? "Reconnecting, goes on where it stopped" : connection === "open" ? "Live" : "Connecting"}
      </span>
      <span className="text-ink-3 tabular-nums">
        {log.lines === 0
          ? ended
            ? "the log is empty"
            : "nothing written yet"
          : `${log.lines.toLocaleString("en")} ${log.lines === 1 ? "line" : "lines"}, ${bytes(log.bytes)}`}
      </span>
    </>
  );
}

/** lastLine is the last line that is the text, or else one that has it. */
function lastLine(store: LogStore, lines: number, text: string): number | undefined {
  let part: number | undefined;
  for (let i = lines - 1; i >= 0; i--) {
    const line = store.line(i)?.text;
    if (line === text) return i;
    if (part === undefined && line?.includes(text)) part = i;
  }
  return part;
}

/** firstInSight is the match a search starts at: the nearest to what one looks at. */
function firstInSight(hits: readonly number[], box: HTMLElement | null, by: 1 | -1): number {
  const shown = [...(box?.querySelectorAll<HTMLElement>("[data-index]") ?? [])].map((e) => Number(e.dataset.index));
  const next = hits.findIndex((h) => h >= Math.min(...shown));
  if (by > 0) return next < 0 ? 0 : next;
  const before = hits.findLastIndex((h) => h <= Math.max(...shown));
  return before < 0 ? hits.length - 1 : before;
}

/** selectionIn is what is selected with the mouse inside a box. */
function selectionIn(box: HTMLElement | null): string {
  const s = window.getSelection();
  return s && !s.isCollapsed && box?.contains(s.anchorNode) ? s.toString() : "";
}
