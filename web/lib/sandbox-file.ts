import type { Schemas } from "./api";
import { sizeText } from "./units";

type Yaml = string | number | boolean | undefined | string[] | Members;
interface Members {
  [key: string]: Yaml;
}

/** sandboxFile writes a definition as a sandbox.yaml, which `sdp apply -f` and `sdp plan -f` read. */
export function sandboxFile(spec: Schemas["SandboxSpec"]): string {
  return write({ sandbox: spec.name, ...body(spec) });
}

/** templateFile writes a template as `sdp template create -f` and `update -f` read it. */
export function templateFile(t: Pick<Schemas["Template"], "name" | "description" | "parameters" | "spec">): string {
  const parameters = Object.fromEntries(
    (t.parameters ?? []).map((p) => [
      p.name,
      {
        ...given({ description: p.description, pattern: p.pattern }),
        default: p.default,
        choices: p.choices?.length ? p.choices : undefined,
      },
    ]),
  );
  return write({ template: t.name, ...given({ description: t.description }), parameters, sandbox: body(t.spec) });
}

function body(spec: Schemas["TemplateSpec"]): Members {
  const { gateway, expiry, limits } = spec;
  return {
    ...given({ description: spec.description }),
    labels: spec.labels,
    ...given({ environment: spec.environment, environment_version: spec.environmentVersion }),
    variables: spec.variables,
    limits: limits && { container: bounds(limits.container), total: bounds(limits.total) },
    expiry: expiry && given({ idle_after: expiry.idleAfter, delete_after: expiry.deleteAfter }),
    gateway: gateway && { ...given({ repository: gateway.repository }), ...runs(gateway) },
    services: Object.fromEntries(
      Object.entries(spec.services ?? {}).map(([name, s]) => [name, { ...given({ use_ocp: s.useOCP, url: s.url }), ...runs(s) }]),
    ),
  };
}

function runs(s: Schemas["ServiceSpec"]): Members {
  return { ...given({ branch: s.branch, commit: s.commit, track: s.track }), variables: s.variables, limits: bounds(s.limits) };
}

function bounds(l: Schemas["Limits"] | undefined): Members | undefined {
  return l && given({ cpus: l.cpus, memory: sizeText(l.memory), pids: l.pids });
}

/** given leaves out members that say nothing. */
function given(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, v]) => v));
}

function write(members: Members, indent = "", above = ""): string {
  let out = "";
  for (const [key, value] of Object.entries(members)) {
    if (value === undefined) continue;
    if (Array.isArray(value)) out += `${indent}${scalar(key)}: [${value.map(scalar).join(", ")}]\n`;
    else if (typeof value === "object") {
      const inner = write(value, indent + "  ", key);
      // A section that says nothing is left out; a parameter that says nothing is still asked for.
      if (!inner && above === "parameters") out += `${indent}${scalar(key)}: {}\n`;
      if (inner) out += `${indent}${scalar(key)}:\n${inner}`;
    } else out += `${indent}${scalar(key)}: ${scalar(value)}\n`;
  }
  return out;
}

/** scalar writes a text plainly where no YAML reader could take it for anything else, and quoted otherwise. */
function scalar(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  const plain = /^[A-Za-z_/][A-Za-z0-9_./-]*$/.test(value) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(value);
  // YAML takes more for line breaks than JSON does.
  return plain
    ? value
    : JSON.stringify(value).replaceAll(
        /[\x7f-\x9f\u2028\u2029\ufeff]/g,
        (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"),
      );
}
