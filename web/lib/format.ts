/** The zero time of Go, which some answers hold for "never". */
const never = "0001-01-01T00:00:00Z";

/** time returns the milliseconds of an RFC 3339 time, undefined if there is none. */
export function time(rfc3339: string | undefined): number | undefined {
  if (!rfc3339 || rfc3339 === never) return undefined;
  const t = Date.parse(rfc3339);
  return Number.isNaN(t) ? undefined : t;
}

/** clock shows a time of day, with the date unless it is today. */
export function clock(rfc3339: string | undefined, now = Date.now()): string {
  const t = time(rfc3339);
  if (t === undefined) return "";
  const d = new Date(t);
  const hms = d.toLocaleTimeString("en-GB");
  return d.toDateString() === new Date(now).toDateString() ? hms : `${date(d)} ${hms.slice(0, 5)}`;
}

function date(d: Date) {
  return `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, "0")}-${String(d.getDate()).padStart(2, "0")}`;
}

/** full shows a time completely, for titles. */
export function full(rfc3339: string | undefined): string {
  const t = time(rfc3339);
  return t === undefined ? "" : `${date(new Date(t))} ${new Date(t).toLocaleTimeString("en-GB")}`;
}

/** ago shows how long ago something was: "just now", "5 min ago", "3 days ago". */
export function ago(rfc3339: string | undefined, now = Date.now()): string {
  const t = time(rfc3339);
  if (t === undefined) return "";
  const s = Math.max(0, (now - t) / 1000);
  if (s < 10) return "just now";
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 2 * 86400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86400)} days ago`;
}

/** duration shows milliseconds: "340 ms", "2.4 s", "3 min 05 s". */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const s = Math.round(ms / 1000);
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
  return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} min`;
}

/** bytes shows the size of a file, a disk or an image in powers of 1000, as the CLI does: "512 B", "55.3 MB". */
export function bytes(n: number | undefined): string {
  if (n === undefined) return "";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let u = 0;
  while (n >= 1000 && u < units.length - 1) {
    n /= 1000;
    u++;
  }
  return `${u === 0 ? Math.round(n) : n.toFixed(1)} ${units[u]}`;
}

/** shortSHA is a commit as SDP shows it. */
export function shortSHA(sha: string | undefined): string {
  return sha?.slice(0, 12) ?? "";
}

/** plural: plural(1, "service") is "1 service", plural(2, "branch", "branches") "2 branches". */
export function plural(n: number, one: string, many = one + "s"): string {
  return `${n} ${n === 1 ? one : many}`;
}
