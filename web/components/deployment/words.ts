import type { Tone } from "@/components/ui/badge";
import type { Step } from "./use-deployment";

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
export const pendingSteps: Step[] = (["resolve", "fetch", "checkout", "build", "image", "start", "route"] as const).map((name) => ({ name, state: "pending" }));
