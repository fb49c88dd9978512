import type { Tone } from "@/components/ui/badge";
import type { Schemas } from "@/lib/api";

export type Health = Schemas["Service"]["health"];
export type Source = Schemas["Service"]["source"];

/** serviceTone is the colour of a service's health; whose traffic goes elsewhere has the colour of elsewhere. */
export function serviceTone(health: Health, source: Source): Tone {
  switch (health) {
    case "healthy": return "ok";
    case "degraded": return "warn";
    case "down": return "bad";
    case "starting": return "info";
    case "external": return source === "ocp" ? "ocp" : "idle";
    case "unknown": return "warn";
    default: return "idle";
  }
}

/** healthWord says a service's health in one word. */
export function healthWord(health: Health, source: Source): string {
  if (health !== "external") return health;
  return source === "ocp" ? "shared" : "external";
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
