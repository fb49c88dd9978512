const sizes = ["B", "K", "M", "G", "T"];

/** parseSize reads "512M", "1.5G", "64MiB" or a number of bytes, in powers of 1024 as Docker counts; undefined if it is none. */
export function parseSize(text: string): number | undefined {
  const m = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?$/.exec(text.trim().toUpperCase());
  if (!m) return undefined;
  const power = m[2] ? sizes.indexOf(m[2]) : 0;
  return Math.floor(Number(m[1]) * 1024 ** power);
}

/** sizeText writes bytes as parseSize reads them: "512M", or the plain number where that would not be exact. */
export function sizeText(n: number | undefined): string {
  if (!n) return "";
  for (let power = 4; power > 0; power--) {
    const value = n / 1024 ** power;
    if (value >= 1 && Number.isInteger(value * 4)) return `${value}${sizes[power]}`;
  }
  return String(n);
}

const units: [string, number, string][] = [["d", 86_400, "day"], ["h", 3600, "hour"], ["m", 60, "minute"], ["s", 1, "second"]];

/** parseSpan reads a duration such as "3d", "72h" or "1h30m" in seconds; undefined if it is none. */
export function parseSpan(text: string): number | undefined {
  const compact = text.trim().toLowerCase().replaceAll(/\s+/g, "");
  if (!/^(\d+(?:\.\d+)?[dhms])+$/.test(compact)) return undefined;
  let seconds = 0;
  for (const [, n, unit] of compact.matchAll(/(\d+(?:\.\d+)?)([dhms])/g)) {
    seconds += Number(n) * (units.find(([u]) => u === unit)?.[1] ?? 0);
  }
  return seconds;
}

/** goSpan writes seconds the way the API reads durations, which knows no days. */
export function goSpan(seconds: number): string {
  return `${Math.round(seconds)}s`;
}

function parts(span: string | undefined) {
  let rest = Math.round((span && parseSpan(span)) || 0);
  return units.map(([unit, size, word]) => {
    const n = Math.floor(rest / size);
    rest -= n * size;
    return { n, unit, word };
  }).filter((p) => p.n > 0);
}

/** spanText shows a duration of the API in words: "72h0m0s" is "3 days". */
export function spanText(span: string | undefined): string {
  return parts(span).map(({ n, word }) => `${n} ${word}${n === 1 ? "" : "s"}`).join(" ");
}

/** spanInput shows a duration of the API as one would type it: "72h0m0s" is "3d". */
export function spanInput(span: string | undefined): string {
  return parts(span).map(({ n, unit }) => n + unit).join(" ");
}
