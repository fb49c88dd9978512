/** Lines somebody points at, from 1, both included. */
export interface Range {
  from: number;
  to: number;
}

/** rangeOf reads #L12 and #L12-L20. */
export function rangeOf(hash: string): Range | undefined {
  const m = /^#L([1-9]\d{0,8})(?:-L([1-9]\d{0,8}))?$/.exec(hash);
  if (!m) return undefined;
  const from = Number(m[1]);
  return { from, to: Math.max(from, Number(m[2] ?? from)) };
}

export function hashOf(range: Range | undefined): string {
  if (!range) return "";
  return range.to > range.from ? `#L${range.from}-L${range.to}` : `#L${range.from}`;
}

/** linkTo is the page's address with the lines. */
export function linkTo(range: Range | undefined): string {
  return location.pathname + location.search + hashOf(range);
}
