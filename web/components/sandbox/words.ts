import type { Tone } from "@/components/ui/badge";
import type { Schemas } from "@/lib/api";
import { duration } from "@/lib/format";

type Service = Schemas["Service"];

export type Health = Schemas["Service"]["health"];
export type Source = Schemas["Service"]["source"];

/** serviceTone is the colour of a service's health; whose traffic goes elsewhere has the colour of elsewhere. */
export function serviceTone(health: Health, source: Source): Tone {
  switch (health) {
    case "healthy":
      return "ok";
    case "degraded":
      return "warn";
    case "down":
      return "bad";
    case "starting":
      return "info";
    case "external":
      return source === "ocp" ? "ocp" : "idle";
    case "unknown":
      return "warn";
    default:
      return "idle";
  }
}

/**
 * healthWord says a service's health in a word or two. own is the sandbox's service, absent for one that only the routing
 * table has: "stopped" is only what ran.
 */
export function healthWord(health: Health, source: Source, own: Pick<Service, "latest" | "serving"> | undefined): string {
  if (health === "external") return source === "ocp" ? "shared" : "external";
  if (health !== "stopped") return health;
  if (!own) return source === "ocp" ? "not in OCP" : "not running";
  if (source !== "sandbox" || own.serving) return "stopped";
  if (!own.latest) return "not deployed";
  return own.latest.state === "CANCELLED" ? "not running" : "stopped";
}

/** latency says a percentile of how long answers take. Only the last one to two minutes are measured. */
export function latency(t: Pick<Schemas["ServiceTraffic"], "requests" | "p95Millis">): { word: string; title?: string } {
  if (t.p95Millis > 0) return { word: duration(t.p95Millis) };
  if (t.requests === 0) return { word: "none" };
  return { word: "none lately", title: "No request was answered in the last two minutes, of which it is measured" };
}

export function sandboxTone(health: Schemas["Sandbox"]["health"]): Tone {
  return ({ ok: "ok", degraded: "warn", down: "bad", idle: "idle" } as const)[health];
}

/** rate shows requests a second, short: "0.4/s", "12/s". */
export function rate(perSecond: number): string {
  if (perSecond >= 10) return `${Math.round(perSecond)}/s`;
  return `${perSecond < 0.1 ? "<0.1" : perSecond.toFixed(1)}/s`;
}

/** rateWords is rate for screen readers. */
export function rateWords(perSecond: number): string {
  if (perSecond <= 0) return "no requests";
  const n = perSecond >= 10 ? Math.round(perSecond) : Number(perSecond.toFixed(1));
  return `${n} ${n === 1 ? "request" : "requests"} per second`;
}
