import type { Tone } from "@/components/ui/badge";
import { time } from "@/lib/format";
import { words } from "@/lib/tones";
import type { Deployment, Step } from "./use-deployment";

/** What each step does, for people. */
export const stepWords: Record<string, string> = {
  resolve: "Resolve the branch",
  fetch: "Fetch",
  checkout: "Check out",
  build: "Build",
  image: "Create image",
  start: "Start container",
  route: "Switch route",
};

export function stepName(step: string): string {
  return stepWords[step] ?? step;
}

export function stepTone(state: Step["state"]): Tone {
  return ({ pending: "idle", running: "info", done: "ok", cached: "ok", failed: "bad", cancelled: "warn" } as const)[state];
}

/** all steps of a deployment, for one whose workflow has not begun. */
export const pendingSteps: Step[] = (["resolve", "fetch", "checkout", "build", "image", "start", "route"] as const).map(
  (name) => ({ name, state: "pending" }),
);

/** telling is which line most likely says why: the first place a compiler names, an error, or else the last line. */
export function telling(lines: string[]): number | undefined {
  const place = lines.findIndex((l) => /\S:\d+(:\d+)?: /.test(l));
  if (place >= 0) return place;
  const error = lines.findIndex((l) => /\b(panic|fatal|error)\b/i.test(l));
  if (error >= 0) return error;
  return lines.length > 0 ? lines.length - 1 : undefined;
}

/**
 * outcome says a deployment's state. The API says STOPPED of one that succeeded and runs no more, whatever ended it; it was
 * replaced if a later one of known, which are deployments of any service, succeeded for its service.
 */
export function outcome(d: Deployment, known: Deployment[] = []): { word: string; title?: string } {
  if (d.state !== "STOPPED") return { word: words(d.state) };
  const replaced = known.some(
    (n) =>
      n.sandbox === d.sandbox &&
      n.service === d.service &&
      (n.state === "RUNNING" || n.state === "STOPPED") &&
      (time(n.createdAt) ?? 0) > (time(d.createdAt) ?? 0),
  );
  return replaced
    ? { word: "replaced", title: "It succeeded; a newer deployment of the service did too" }
    : { word: "stopped", title: "It succeeded, and was stopped later" };
}
