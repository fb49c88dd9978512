import type { Schemas } from "@/lib/api";
import { answered, type ServiceNode } from "../topology/model";

/** Act is what somebody wants to do to a service; the page shows the dialog for it. */
export type Act = "sandbox" | "ocp" | "url" | "deploy" | "logs" | "restart" | "stop";

export interface Possible {
  /** Why it cannot be done now; undefined where it can. */
  sandbox?: string;
  ocp?: string;
  url?: string;
  deploy?: string;
  logs?: string;
  restart?: string;
  stop?: string;
}

/** possible says what can be done to a service now, and for what cannot, why, as the server would. */
export function possible(
  node: ServiceNode,
  sandbox: Schemas["Sandbox"],
  repositories: Schemas["Repository"][] | undefined,
): Possible {
  const { own, name, source } = node;
  const repository = repositories?.find((r) => r.name === name);
  const never = own?.latest || own?.serving ? undefined : "it was never deployed here";
  const out: Possible = {
    sandbox:
      source === "sandbox" ? "it answers already" : own?.serving ? undefined : "it has no container here: deploy a branch first",
    ocp:
      source === "ocp" && answered(node)
        ? "it answers already"
        : repository && !repository.ocp
          ? "the shared environment does not have it"
          : undefined,
    deploy: repositories && !repository ? "no repository is configured for it" : undefined,
    logs: never,
    restart: never,
    stop: own?.serving ? undefined : "no container runs",
  };
  if (!sandbox.deleting && sandbox.state === "ACTIVE") return out;
  const why = sandbox.deleting ? "the sandbox is being deleted" : "the sandbox is not active";
  return { sandbox: why, ocp: why, url: why, deploy: sandbox.deleting ? why : out.deploy, logs: never, restart: why, stop: why };
}
