import type { Problem, Schemas } from "@/lib/api";

export type Template = Schemas["Template"];
export type Spec = Schemas["TemplateSpec"];
export type Parameter = Schemas["TemplateParameter"];

/** A parameter while it is edited: choices are one line each. */
export interface ParameterDraft {
  name: string;
  description: string;
  /** undefined: a value must be given. */
  default: string | undefined;
  pattern: string;
  choices: string;
}

/** A template while it is edited. */
export interface Draft {
  name: string;
  description: string;
  parameters: ParameterDraft[];
  spec: Spec;
}

export const emptyDraft: Draft = { name: "", description: "", parameters: [], spec: { services: {} } };

export const draftOf = (t: Template): Draft => ({
  name: t.name,
  description: t.description ?? "",
  spec: t.spec,
  parameters: (t.parameters ?? []).map((p) => ({
    name: p.name,
    description: p.description ?? "",
    default: p.default,
    pattern: p.pattern ?? "",
    choices: (p.choices ?? []).join("\n"),
  })),
});

export const parametersOf = (drafts: ParameterDraft[]): Parameter[] =>
  drafts.map((d) => {
    const choices = d.choices
      .split("\n")
      .map((c) => c.trim())
      .filter(Boolean);
    return {
      name: d.name.trim(),
      description: d.description || undefined,
      default: d.default,
      pattern: d.pattern || undefined,
      choices: choices.length ? choices : undefined,
    };
  });

/** placeholders counts the parameters that texts of a specification use. $${ stands for a literal ${. */
export function placeholders(spec: Spec): Map<string, number> {
  const used = new Map<string, number>();
  const walk = (v: unknown): void => {
    if (typeof v === "string") {
      for (const [, escaped, name] of v.matchAll(/(\$?)\$\{([^}]*)\}/g)) {
        if (!escaped && name !== undefined) used.set(name, (used.get(name) ?? 0) + 1);
      }
    } else if (v && typeof v === "object") Object.values(v).forEach(walk);
  };
  walk(spec);
  return used;
}

/** builtIn is the parameter every template has: the name of the sandbox that is made. */
export const builtIn = "sandbox";

/** leaves lists the texts of a specification with their paths, as "services.account.branch". */
export function leaves(spec: object, path = ""): [string, string][] {
  return Object.entries(spec).flatMap(([key, v]): [string, string][] => {
    const at = path ? `${path}.${key}` : key;
    if (typeof v === "string") return [[at, v]];
    return v && typeof v === "object" && !Array.isArray(v) ? leaves(v, at) : [];
  });
}

/** memberError finds what a problem says about one member of the request. */
export function memberError(problem: Problem | undefined, member: string): string | undefined {
  return problem?.errors?.find(
    (e) =>
      e.location === `body.${member}` || e.location?.startsWith(`body.${member}.`) || e.location?.startsWith(`body.${member}[`),
  )?.message;
}

/** freeName makes a parameter's name that is not taken. */
export function freeName(wanted: string, taken: string[]): string {
  const base =
    wanted
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, "-")
      .replace(/^[^a-z]+|-+$/g, "")
      .slice(0, 30) || "value";
  for (let i = 1; ; i++) {
    const name = i === 1 ? base : `${base}-${i}`;
    if (!taken.includes(name) && name !== builtIn) return name;
  }
}
