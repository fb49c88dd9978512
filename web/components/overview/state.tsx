import { healthWord } from "@/components/sandbox/words";
import { Badge, Dot, type Tone } from "@/components/ui/badge";
import type { Sandbox } from "./use-sandboxes";

export type Service = Sandbox["services"][number];

const healthTones: Record<Sandbox["health"], Tone> = { ok: "ok", degraded: "warn", down: "bad", idle: "idle" };
const healthWords: Record<Sandbox["health"], string> = { ok: "healthy", degraded: "degraded", down: "down", idle: "idle" };

/** stateOf says in a few words and a colour how a sandbox is. */
export function stateOf(s: Sandbox): { tone: Tone; words: string } {
  if (s.deleting) return { tone: "warn", words: "Being deleted" };
  switch (s.state) {
    case "ACTIVE":
      if (s.health === "idle" && s.services.some((v) => v.health === "starting"))
        return { tone: "info", words: "Active, starting" };
      return { tone: healthTones[s.health], words: `Active, ${healthWords[s.health]}` };
    case "SUSPENDED":
      return { tone: "idle", words: "Suspended" };
    case "EXPIRED":
      return { tone: "warn", words: "Expired" };
    default:
      return { tone: "idle", words: "Deleted" };
  }
}

export function StateBadge({ sandbox }: { sandbox: Sandbox }) {
  const { tone, words } = stateOf(sandbox);
  return (
    <Badge tone={tone} dot title={sandbox.healthReasons?.join("\n")} className="shrink-0">
      {words}
    </Badge>
  );
}

const serviceTones: Record<Service["health"], Tone> = {
  healthy: "ok",
  degraded: "warn",
  down: "bad",
  starting: "info",
  stopped: "idle",
  external: "ocp",
  unknown: "warn",
};

/** ServiceDot is the colour of a service with its word for screen readers; the word is shown where it is no good one. */
export function ServiceDot({ service }: { service: Service }) {
  const word = healthWord(service.health, service.source, service);
  return (
    <span title={service.healthReason ?? word} className="inline-flex items-center">
      <Dot tone={serviceTones[service.health]} pulse={service.health === "starting"} />
      <span className="sr-only">{word}: </span>
    </span>
  );
}
