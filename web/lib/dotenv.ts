/**
 * Reads .env files as `sdp env import` does (internal/dotenv): KEY=VALUE a line, "export " before it allowed, # starts a
 * comment, quotes may span lines, nothing is expanded. Errors name the line and never a value: such files hold secrets.
 */
export interface DotenvVariable {
  key: string;
  value: string;
  line: number;
}

export class DotenvError extends Error {
  readonly line: number;
  readonly remedy: string;
  constructor(line: number, message: string, remedy: string) {
    super(message);
    this.line = line;
    this.remedy = remedy;
  }
}

export const envKey = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** parseDotenv throws a DotenvError for the first line that cannot be read, and for a key that is set twice. */
export function parseDotenv(text: string): DotenvVariable[] {
  const p = new Parser(text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n"));
  const list: DotenvVariable[] = [];
  const first = new Map<string, number>();
  for (let v = p.next(); v; v = p.next()) {
    const before = first.get(v.key);
    if (before !== undefined)
      throw new DotenvError(v.line, `${v.key} is set again, first on line ${before}`, "keep one of the two lines");
    first.set(v.key, v.line);
    list.push(v);
  }
  return list;
}

const escapes: Record<string, string> = { n: "\n", r: "\r", t: "\t", "\\": "\\", '"': '"', $: "$" };

class Parser {
  private rest: string;
  private line = 1;

  constructor(text: string) {
    const bad = text.split("\n").findIndex((l) => /[\0\uFFFD]/.test(l));
    if (bad >= 0) throw new DotenvError(bad + 1, "there are bytes that are not text", "save it as UTF-8 text");
    this.rest = text;
  }

  next(): DotenvVariable | undefined {
    while (this.rest !== "") {
      const text = this.head();
      if (text.trim() !== "" && !text.trim().startsWith("#")) return this.variable(text);
      this.skipLine();
    }
    return undefined;
  }

  private head() {
    const end = this.rest.indexOf("\n");
    return end < 0 ? this.rest : this.rest.slice(0, end);
  }

  private skipLine() {
    const end = this.rest.indexOf("\n");
    this.rest = end < 0 ? "" : this.rest.slice(end + 1);
    this.line++;
  }

  private variable(text: string): DotenvVariable {
    const line = this.line;
    const at = text.indexOf("=");
    if (at < 0)
      throw new DotenvError(line, 'the line has no "="', "write KEY=VALUE; a value that spans lines goes between quotes");
    const key = text
      .slice(0, at)
      .trim()
      .replace(/^export[ \t]+/, "");
    if (!envKey.test(key)) {
      // what stands there may be part of a value: not repeated
      throw new DotenvError(
        line,
        'what stands before the "=" cannot name a variable',
        "use letters, digits and underscores; a value that spans lines goes between quotes",
      );
    }
    const value = text.slice(at + 1).replace(/^[ \t]+/, "");
    if (!value.startsWith('"') && !value.startsWith("'")) {
      this.skipLine();
      return { key, value: bare(value), line };
    }
    this.rest = this.rest.slice(text.length - value.length);
    return { key, value: this.quoted(key), line };
  }

  private quoted(key: string): string {
    const quote = this.rest[0];
    const opened = this.line;
    let value = "";
    let i = 1;
    for (; i < this.rest.length && this.rest[i] !== quote; i++) {
      let c = this.rest.charAt(i);
      if (c === "\\" && quote === '"' && i + 1 < this.rest.length) {
        c = this.rest.charAt(++i);
        value += escapes[c] ?? "\\" + c;
      } else {
        value += c;
      }
      if (c === "\n") this.line++;
    }
    if (i >= this.rest.length) throw new DotenvError(opened, `${key} has no closing ${quote}`, "add it, or remove the first");
    this.rest = this.rest.slice(i + 1);
    const after = this.head().trim();
    if (after !== "" && !after.startsWith("#")) {
      throw new DotenvError(
        this.line,
        `there is text after the closing quote of ${key}`,
        "put a backslash before quotes within the value, or remove what follows it",
      );
    }
    this.skipLine();
    return value;
  }
}

/** bare is a value without quotes, less a comment. */
function bare(value: string) {
  const comment = /(^|[ \t])#/.exec(value);
  return (comment ? value.slice(0, comment.index) : value).trim();
}
