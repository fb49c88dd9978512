import type { Schemas } from "./api";

type Event = Schemas["Event"];

/**
 * ofSandbox is true for events of one sandbox, or of any if there is no name: its own, and of its deployments. What its
 * routers count is not meant.
 */
export function ofSandbox(name?: string) {
  return (e: Event) => {
    if (!name) return e.topic.startsWith("sandbox/") || e.topic.startsWith("deployment/");
    if (e.topic.startsWith("traffic/")) return false;
    return e.sandbox === name || e.topic === "sandbox/" + name;
  };
}

/** ofOperation is true for events of one operation; those of a sandbox may be of any of its operations. */
export function ofOperation(id: string, sandbox?: string) {
  return (e: Event) => e.id === id || (sandbox !== undefined && e.topic === "sandbox/" + sandbox);
}
