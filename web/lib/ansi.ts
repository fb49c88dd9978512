/**
 * What programs print, made into lines of styled text. Colours and weights (SGR) are kept; \r, \b and "erase in line"
 * act as on a terminal, so that a progress bar is one line; every other sequence (titles, hyperlinks, cursor movements)
 * is dropped. Pure: no DOM. The rules are ECMA-48's, but a sequence ends at the latest with its line, so that one that
 * never ends hides nothing.
 */

/** How text looks. Colours are 0xRRGGBB, undefined is the log's own. Equal styles are the same object. */
export interface Style {
  readonly fg?: number;
  readonly bg?: number;
  readonly bold?: boolean;
  readonly dim?: boolean;
  readonly italic?: boolean;
  readonly underline?: boolean;
  readonly strike?: boolean;
  readonly inverse?: boolean;
}

/** A stretch of a line in one style: from the end of the run before it to end. */
export interface Run {
  end: number;
  style: Style;
}

/** One line. Without runs all of it is plain, as nearly all lines are. */
export interface Line {
  readonly text: string;
  readonly runs?: readonly Run[];
}

const plain: Style = {};
const mostStyles = 4096; // remembered at once: true colour knows 16 million
const mostParameters = 256; // characters; longer ones are no SGR anybody means

type State = "ground" | "escape" | "intermediate" | "csi" | "string" | "stringEscape";

const text = /[^\x00-\x08\x0a-\x1f\x7f-\x9f]+/y;

/** AnsiParser takes text in pieces cut anywhere, and gives whole lines; current is the line that has not ended yet. */
export class AnsiParser {
  private state: State = "ground";
  private parameters = "";
  private style: Style = plain;
  private styles = new Map<string, Style>();
  private line = "";
  private runs: Run[] = [];
  private column = 0;

  write(chunk: string, emit: (line: Line) => void) {
    let i = 0;
    while (i < chunk.length) {
      if (this.state === "ground") {
        text.lastIndex = i;
        const found = text.exec(chunk);
        if (found) {
          this.print(found[0]);
          i = text.lastIndex;
          continue;
        }
      }
      this.step(chunk.charCodeAt(i), chunk[i]!, emit);
      i++;
    }
  }

  /** The line that has not ended yet, undefined if nothing of it is there. */
  current(): Line | undefined {
    return this.line ? this.take() : undefined;
  }

  /** Ends the line that is open, if one is. */
  end(emit: (line: Line) => void) {
    if (this.line) this.newline(emit);
    this.state = "ground";
  }

  private step(code: number, c: string, emit: (line: Line) => void) {
    if (code === 0x0a) {
      this.newline(emit);
      this.state = "ground";
      return;
    }
    switch (this.state) {
      case "ground":
        return this.control(code);
      case "escape":
        return this.escape(code, c);
      case "intermediate": // ESC ( B and the like: one more character that means something to a terminal
        if (code >= 0x30) this.state = "ground";
        return;
      case "csi":
        return this.csi(code, c);
      case "string":
        if (code === 0x07 || code === 0x9c) this.state = "ground";
        else if (code === 0x1b) this.state = "stringEscape";
        return;
      case "stringEscape":
        if (c === "\\") this.state = "ground";
        else this.escape(code, c);
    }
  }

  private control(code: number) {
    if (code === 0x1b) this.state = "escape";
    else if (code === 0x9b) this.begin();
    else if (code === 0x90 || code === 0x98 || (code >= 0x9d && code <= 0x9f)) this.state = "string";
    else if (code === 0x0d) this.column = 0;
    else if (code === 0x08) this.column = Math.max(0, this.column - 1);
  }

  private escape(code: number, c: string) {
    if (c === "[") this.begin();
    else if ("]PX^_".includes(c)) this.state = "string";
    else if (code >= 0x20 && code <= 0x2f) this.state = "intermediate";
    else if (code !== 0x1b) this.state = "ground";
    else this.state = "escape";
  }

  private begin() {
    this.state = "csi";
    this.parameters = "";
  }

  private csi(code: number, c: string) {
    if (code === 0x1b) {
      this.state = "escape";
    } else if (code >= 0x40 && code <= 0x7e) {
      this.state = "ground";
      if (this.parameters.length > mostParameters) return;
      // With other characters it is no colour: ESC [ > 4 ; 2 m is about the keyboard.
      if (c === "m" && /^[\d:;]*$/.test(this.parameters)) this.style = this.intern(sgr(this.style, this.parameters));
      else if (c === "K") this.erase(this.parameters);
    } else if (code >= 0x20 && code <= 0x3f) {
      if (this.parameters.length <= mostParameters) this.parameters += c;
    }
  }

  private print(s: string) {
    const end = this.column + s.length;
    if (this.column === this.line.length) {
      this.line += s;
      const last = this.runs.at(-1);
      if (last?.style === this.style) last.end = end;
      else this.runs.push({ end, style: this.style });
    } else {
      this.runs = [...cut(this.runs, 0, this.column), { end, style: this.style }, ...cut(this.runs, end, this.line.length)];
      this.line = this.line.slice(0, this.column) + s + this.line.slice(end);
    }
    this.column = end;
  }

  private erase(how: string) {
    if (how === "2") {
      this.line = " ".repeat(this.column);
      this.runs = this.column ? [{ end: this.column, style: plain }] : [];
    } else if (how === "" || how === "0") {
      this.runs = cut(this.runs, 0, this.column);
      this.line = this.line.slice(0, this.column);
    }
  }

  private newline(emit: (line: Line) => void) {
    emit(this.take());
    this.line = "";
    this.runs = [];
    this.column = 0;
  }

  private take(): Line {
    if (this.runs.every((r) => r.style === plain)) return { text: this.line };
    return { text: this.line, runs: this.runs.map((r) => ({ ...r })) };
  }

  private intern(style: Style): Style {
    const key = JSON.stringify(style);
    if (key === "{}") return plain;
    const known = this.styles.get(key);
    if (known) return known;
    if (this.styles.size >= mostStyles) this.styles.clear();
    this.styles.set(key, style);
    return style;
  }
}

/** cut returns the runs of [from, to), with the same positions. */
function cut(runs: readonly Run[], from: number, to: number): Run[] {
  const out: Run[] = [];
  let start = 0;
  for (const r of runs) {
    if (start < to && r.end > from) out.push({ end: Math.min(r.end, to), style: r.style });
    start = r.end;
  }
  return out;
}

/** sgr returns the style after "ESC [ parameters m". What it does not know changes nothing. */
function sgr(style: Style, parameters: string): Style {
  const s: { -readonly [K in keyof Style]: Style[K] } = { ...style };
  // Colours may be written 38;2;R;G;B or 38:2::R:G:B; a parameter that is left out is 0.
  const codes = parameters.split(";");
  for (let i = 0; i < codes.length; i++) {
    const parts = codes[i]!.split(":");
    const code = Number(parts[0] || 0);
    const on = parts[1] !== "0";
    switch (code) {
      case 0:
        for (const k of Object.keys(s)) delete s[k as keyof Style];
        break;
      case 1:
        s.bold = true;
        break;
      case 2:
        s.dim = true;
        break;
      case 3:
        s.italic = true;
        break;
      case 4:
      case 21:
        if (on) s.underline = true;
        else delete s.underline;
        break;
      case 7:
        s.inverse = true;
        break;
      case 9:
        s.strike = true;
        break;
      case 22:
        delete s.bold;
        delete s.dim;
        break;
      case 23:
        delete s.italic;
        break;
      case 24:
        delete s.underline;
        break;
      case 27:
        delete s.inverse;
        break;
      case 29:
        delete s.strike;
        break;
      case 39:
        delete s.fg;
        break;
      case 49:
        delete s.bg;
        break;
      case 38:
      case 48: {
        const [colour, used] =
          parts.length > 1
            ? [extended(parts.slice(1).filter((p, n) => n !== 1 || parts.length < 6)), 0]
            : after(codes.slice(i + 1));
        i += used;
        if (colour !== undefined) s[code === 38 ? "fg" : "bg"] = colour;
        break;
      }
      default:
        if (code >= 30 && code <= 37) s.fg = palette(code - 30);
        else if (code >= 40 && code <= 47) s.bg = palette(code - 40);
        else if (code >= 90 && code <= 97) s.fg = palette(code - 82);
        else if (code >= 100 && code <= 107) s.bg = palette(code - 92);
    }
  }
  // Always in one order, so that equal styles have equal keys.
  const { fg, bg, bold, dim, italic, underline, strike, inverse } = s;
  return JSON.parse(JSON.stringify({ fg, bg, bold, dim, italic, underline, strike, inverse })) as Style;
}

function after(codes: string[]): [number | undefined, number] {
  const used = codes[0] === "2" ? 4 : codes[0] === "5" ? 2 : 0;
  return [extended(codes.slice(0, used)), used];
}

function extended(parts: string[]): number | undefined {
  const n = parts.map((p) => Math.min(255, Number(p || 0)));
  if (n.some(Number.isNaN)) return undefined;
  if (n[0] === 5 && n.length >= 2) return palette(n[1]!);
  if (n[0] === 2 && n.length >= 4) return rgb(n[1]!, n[2]!, n[3]!);
  return undefined;
}

const rgb = (r: number, g: number, b: number) => (r << 16) | (g << 8) | b;

const sixteen = [
  0x1b222c, 0xf0655c, 0x3fb574, 0xd9a13b, 0x5b8cfa, 0xb583f0, 0x39b5c6, 0xd7dde5, 0x6b7686, 0xff8f87, 0x74d69f, 0xecc272,
  0x8fb0ff, 0xcda6ff, 0x7fdbe6, 0xffffff,
];

/** palette returns a colour of the 256: our sixteen, the 6x6x6 cube and the greys of xterm. */
export function palette(n: number): number {
  if (n < 16) return sixteen[n] ?? 0;
  if (n >= 232) {
    const v = 8 + (n - 232) * 10;
    return rgb(v, v, v);
  }
  const level = (v: number) => (v === 0 ? 0 : 55 + v * 40);
  const c = n - 16;
  return rgb(level(Math.floor(c / 36)), level(Math.floor(c / 6) % 6), level(c % 6));
}
