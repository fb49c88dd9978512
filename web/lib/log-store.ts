import { AnsiParser, type Line } from "./ansi";

/** One message of a log's WebSocket. */
export interface Frame {
  offset: number;
  next: number;
  data?: string;
  final?: boolean;
}

/** What a view sees of a log; a new object whenever something changed. */
export interface LogSnapshot {
  /** Lines there are, the one that is still being written included. */
  lines: number;
  /** Everything has arrived, and nothing more will come. */
  final: boolean;
  /** Characters of the longest line. */
  longest: number;
  /** Indexes of the lines that are searched for, in order. */
  hits: readonly number[];
  bytes: number;
}

export interface LineSearch {
  text: string;
  matchCase: boolean;
}

export const nothing: LogSnapshot = { lines: 0, longest: 0, final: false, hits: [], bytes: 0 };

/**
 * LogStore holds a log outside React's state: lines are appended to one array, and views are told at most once per
 * schedule (an animation frame in the browser). It takes every byte of the stream exactly once, whatever is sent twice.
 */
export class LogStore {
  /** Where to go on after a lost connection: next of the last frame. */
  offset = 0;
  private readonly lines: Line[] = [];
  private readonly parser = new AnsiParser();
  private open: Line | undefined;
  private final = false;
  private begun = false;
  private search: RegExp | undefined;
  private hits: number[] = [];
  private searched = 0;
  private longest = 0;
  private snapshot = nothing;
  private readonly views = new Set<() => void>();
  private scheduled = false;
  private readonly schedule: (run: () => void) => void;

  constructor(schedule: (run: () => void) => void) {
    this.schedule = schedule;
  }

  append(frame: Frame) {
    let data = frame.data ?? "";
    if (frame.next <= this.offset) data = "";
    else if (frame.offset < this.offset) data = dropBytes(data, this.offset - frame.offset);
    else if (frame.offset > this.offset) this.gap(frame.offset - this.offset);
    this.offset = Math.max(this.offset, frame.next);
    this.begun = true;
    if (data) this.parser.write(data, this.push);
    if (frame.final) {
      this.parser.end(this.push);
      this.final = true;
    }
    this.open = this.parser.current();
    this.changed();
  }

  /** line returns a line by its index, from 0. */
  line(index: number): Line | undefined {
    return this.lines[index] ?? (index === this.lines.length ? this.open : undefined);
  }

  /** text returns lines as plain text; all of them by default. */
  text(from = 0, to = this.count()): string {
    const out: string[] = [];
    for (let i = from; i < to; i++) out.push(this.line(i)?.text ?? "");
    return out.join("\n") + (out.length ? "\n" : "");
  }

  /** find looks for text in all lines there are and all that come; no text ends it. */
  find(search: LineSearch) {
    this.search = pattern(search, "");
    this.hits = [];
    this.searched = 0;
    this.changed();
  }

  subscribe = (view: () => void) => {
    this.views.add(view);
    return () => void this.views.delete(view);
  };

  getSnapshot = () => this.snapshot;

  private push = (line: Line) => {
    this.lines.push(line);
    this.longest = Math.max(this.longest, line.text.length);
  };

  private count() {
    return this.lines.length + (this.open ? 1 : 0);
  }

  /** gap notes bytes that are not there any more: a container's log keeps only its last ones. */
  private gap(bytes: number) {
    this.parser.end(this.push);
    this.push({
      text: `… ${bytes.toLocaleString("en")} bytes ${this.begun ? "of the log are missing here" : "before this are not kept any more"} …`,
    });
  }

  private changed() {
    if (this.scheduled) return;
    this.scheduled = true;
    this.schedule(() => {
      this.scheduled = false;
      this.extendHits();
      this.snapshot = {
        lines: this.count(),
        longest: Math.max(this.longest, this.open?.text.length ?? 0),
        final: this.final,
        hits: this.hits,
        bytes: this.offset,
      };
      this.views.forEach((v) => v());
    });
  }

  private extendHits() {
    if (!this.search) return;
    const found: number[] = [];
    for (; this.searched < this.lines.length; this.searched++) {
      if (this.search.test(this.lines[this.searched]!.text)) found.push(this.searched);
    }
    if (found.length) this.hits = this.hits.concat(found);
  }
}

/** pattern is the expression that finds the text itself, whatever characters it has; undefined for no text. */
export function pattern({ text, matchCase }: LineSearch, flags: string): RegExp | undefined {
  if (!text) return undefined;
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), flags + (matchCase ? "" : "i"));
}

/** dropBytes leaves out the first n bytes of a text's UTF-8. */
function dropBytes(text: string, n: number): string {
  return new TextDecoder().decode(new TextEncoder().encode(text).subarray(n));
}
