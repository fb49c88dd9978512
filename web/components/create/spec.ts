import type { Schemas } from "@/lib/api";

type Spec = Schemas["SandboxSpec"];
export type Template = Schemas["Template"];
export type Parameter = Schemas["TemplateParameter"];
export type Repository = Schemas["Repository"];

export const longestName = 30;

/** nameError says why a sandbox cannot be called so, as the API does; "" if it can. */
export function nameError(name: string, taken: ReadonlySet<string>): string {
  if (!name) return "Give it a name.";
  if (name.length > longestName) return `A name has at most ${longestName} characters, this one has ${name.length}.`;
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name))
    return "Use lower-case letters, digits and dashes, beginning and ending with a letter or digit.";
  if (taken.has(name)) return "There is a sandbox of this name already.";
  return "";
}

/** What the form of a sandbox from branches holds. */
export interface Choice {
  description: string;
  environment: string;
  /** Repository to branch; "" while none is chosen. Those that are not in it stay with OCP. */
  branches: Record<string, string>;
  /** Repository of the gateway; "" for none. */
  gateway: string;
  gatewayBranch: string;
}

export const nothing: Choice = { description: "", environment: "", branches: {}, gateway: "", gatewayBranch: "" };

/** missing names the repositories that still want a branch. */
export function missing(c: Choice): string[] {
  const without = Object.keys(c.branches).filter((r) => !c.branches[r]);
  return c.gateway && !c.gatewayBranch ? [...without, c.gateway] : without;
}

export function specOf(name: string, c: Choice): Spec {
  return {
    name,
    description: c.description.trim() || undefined,
    environment: c.environment || undefined,
    services: Object.fromEntries(Object.entries(c.branches).map(([repository, branch]) => [repository, { branch }])),
    gateway: c.gateway ? { repository: c.gateway, branch: c.gatewayBranch } : undefined,
  };
}

/** parameterError says why a value will not do, "" if it may. The API has the last word. */
export function parameterError(p: Parameter, value: string): string {
  if (!value) return p.default === undefined ? "A value is needed." : "";
  if (p.choices?.length && !p.choices.includes(value)) return "Choose one of the list.";
  if (p.pattern && !matches(p.pattern, value)) return `It must match ${p.pattern}`;
  return "";
}

/** matches asks a pattern of the server's dialect (RE2); what a browser cannot read is left to the server. */
function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`, "u").test(value);
  } catch {
    return true;
  }
}

/** branchOf tells of which repository a parameter is the branch, undefined if it is something else. */
export function branchOf(t: Template, parameter: string, repositories: Repository[]): string | undefined {
  const place = "${" + parameter + "}";
  const { services, gateway } = t.spec;
  if (gateway?.branch === place) return gateway.repository ?? repositories.find((r) => r.gateway)?.name;
  return Object.entries(services ?? {}).find(([, v]) => v.branch === place)?.[0];
}
