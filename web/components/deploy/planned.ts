import type { Schemas } from "@/lib/api";
import { revision } from "@/lib/revision";

/** One service somebody wants deployed, and the branch or full commit. */
export interface Choice {
  service: string;
  revision: string;
}

type Spec = Schemas["SandboxSpec"];
type Plan = Schemas["Plan"];

/** deploying is a sandbox's definition as it will be once the choices are deployed with the variables. */
export function deploying(spec: Spec, choices: Choice[], variables: Record<string, string>, gateways: Set<string>): Spec {
  const out: Spec = { ...spec, services: { ...spec.services } };
  for (const c of choices) {
    const target = revision(c.revision);
    if (gateways.has(c.service)) {
      const { limits, track, variables: own } = out.gateway ?? {};
      out.gateway = {
        repository: c.service,
        limits,
        track: target.commit ? undefined : track,
        variables: { ...own, ...variables },
        ...target,
      };
    } else {
      const { limits, track, variables: own } = out.services?.[c.service] ?? {};
      out.services![c.service] = {
        limits,
        track: target.commit ? undefined : track,
        variables: { ...own, ...variables },
        ...target,
      };
    }
  }
  return out;
}

/** only keeps of a plan what is about some services: a deploy does nothing to the others. */
export function only(plan: Plan, services: string[]): Plan {
  const kept = (plan.services ?? []).filter((s) => services.includes(s.service));
  const nodes = new Set(kept.map((s) => s.node));
  return {
    ...plan,
    services: kept.map((s) =>
      s.action === "none" ? { ...s, action: "deploy", why: ["it runs this already: a new container of it takes over"] } : s,
    ),
    changes: true,
    settings: [],
    nodes: (plan.nodes ?? []).filter((n) => nodes.has(n.node)),
    problems: (plan.problems ?? []).filter((p) => !p.service || services.includes(p.service)),
  };
}

/** A name the API takes for a variable. */
export const goodKey = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** keyError says what is wrong with a variable's name, while it is typed. */
export function keyError(key: string): string | undefined {
  return key && !goodKey.test(key.trim()) ? "Letters, digits and underscores, not starting with a digit." : undefined;
}
