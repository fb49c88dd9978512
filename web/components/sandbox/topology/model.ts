import type { Schemas } from "@/lib/api";
import { shortSHA } from "@/lib/format";
import { host, hrefs } from "@/lib/routes";
import { words } from "@/lib/tones";
import { healthWord, rateWords, type Health, type Source } from "../words";

type Service = Schemas["Service"];
type Operation = Schemas["Operation"];

/** ServiceNode is a service as the picture shows it: the sandbox's own, or one that only its routing table knows. */
export interface ServiceNode {
  name: string;
  gateway: boolean;
  /** Absent for a service that the sandbox takes from the shared environment without having asked for it. */
  own?: Service;
  /** What the container that answers was built from: not what was last asked for, which may have failed. */
  branch?: string;
  source: Source;
  health: Health;
  reason?: string;
  /** Where its requests go, unless to a container of the sandbox. */
  url?: string;
  traffic?: Schemas["ServiceTraffic"];
  busy?: Busy;
  trouble?: Trouble;
}

/** Busy is what is being done to a service. */
export interface Busy {
  words: string;
  href: string;
}

/** Trouble is the newest thing done to a service, if it failed. */
export interface Trouble {
  id: string;
  title: string;
  failure: Schemas["Failure"] | undefined;
  href: string;
}

/**
 * serviceNodes puts together what the sandbox is asked to be, what its routers do, and what goes on. The gateway comes
 * first, then by who answers: the sandbox, URLs, the shared environment; so lines to them never cross.
 */
export function serviceNodes(
  sandbox: Schemas["Sandbox"],
  traffic: Schemas["Traffic"] | undefined,
  operations: Operation[],
): ServiceNode[] {
  const counted = new Map((traffic?.services ?? []).map((t) => [t.service, t]));
  const own = new Map(sandbox.services.map((s) => [s.name, s]));
  const names = new Set([...own.keys(), ...counted.keys()]);
  return [...names].map((name) => serviceNode(name, sandbox, own.get(name), counted.get(name), operations)).sort(byPlace);
}

const places: Record<Source, number> = { sandbox: 0, url: 1, ocp: 2 };

function byPlace(a: ServiceNode, b: ServiceNode) {
  return Number(b.gateway) - Number(a.gateway) || places[a.source] - places[b.source] || a.name.localeCompare(b.name);
}

function serviceNode(
  name: string,
  sandbox: Schemas["Sandbox"],
  own: Service | undefined,
  traffic: Schemas["ServiceTraffic"] | undefined,
  operations: Operation[],
): ServiceNode {
  const source = own?.source ?? traffic?.source ?? "ocp";
  const newest = operations.filter((o) => o.service === name).toSorted((a, b) => b.createdAt.localeCompare(a.createdAt))[0];
  return {
    name,
    own,
    source,
    traffic,
    branch: own?.serving?.branch,
    gateway: name === sandbox.gateway,
    health: own?.health ?? traffic?.health ?? "unknown",
    reason: own ? own.healthReason : traffic?.healthReason,
    url: own?.url ?? (traffic?.source === source && source !== "sandbox" ? traffic.target : undefined),
    busy: busyOf(own, newest),
    trouble: troubleOf(own, newest),
  };
}

function busyOf(own: Service | undefined, newest: Operation | undefined): Busy | undefined {
  const latest = own?.latest;
  if (latest && !latest.settled)
    return { words: latest.state === "QUEUED" ? "queued" : words(latest.state), href: hrefs.deployment(latest.id) };
  if (newest && !newest.settled) {
    return { words: firstWord(newest.doing), href: hrefs.operation(newest.id) };
  }
  return undefined;
}

// There is little room beside a service: "restarting".
const firstWord = (text: string) => text.split(" ", 1).join("").toLowerCase();

function troubleOf(own: Service | undefined, newest: Operation | undefined): Trouble | undefined {
  const latest = own?.latest;
  if (newest?.state === "FAILED" && (!latest || newest.createdAt > latest.createdAt)) {
    return {
      id: newest.id,
      title: `${newest.doing} failed`,
      failure: newest.failure,
      href: hrefs.operation(newest.id),
    };
  }
  if (latest?.state === "FAILED") {
    const step = latest.failure?.step;
    return {
      id: latest.id,
      title: `The newest deployment failed${step ? ` at step ${step}` : ""}`,
      failure: latest.failure,
      href: hrefs.deployment(latest.id),
    };
  }
  return undefined;
}

/** answered is false for a service that the shared environment does not have, and that the sandbox never asked for. */
export function answered(node: ServiceNode): boolean {
  return !!node.own || node.source !== "ocp" || !!node.url;
}

/**
 * drawn are the services of the picture of who answers for whom: one that nobody answers for is in it once it is asked for,
 * be it by a request or by a trace.
 */
export function drawn(nodes: ServiceNode[], trace: Schemas["Trace"] | undefined): ServiceNode[] {
  const traced = new Set(trace?.hops.map((h) => h.service));
  return nodes.filter((n) => answered(n) || n.gateway || !!n.traffic?.requests || traced.has(n.name));
}

/** answers says who answers for a service: "sandbox feature/x@3f2a9c1d0b7e on micro-1", "OCP", "URL http://host/". */
export function answers(node: ServiceNode): string {
  switch (node.source) {
    case "ocp":
      if (!answered(node)) return "nobody";
      return "OCP" + (node.url ? " " + host(node.url) : "");
    case "url":
      return "URL " + (node.url ?? "");
    default: {
      const serving = node.own?.serving;
      if (!serving) return "sandbox, nothing runs";
      return `sandbox ${node.branch ? node.branch + "@" : ""}${shortSHA(serving.sha)} on ${serving.node}`;
    }
  }
}

/** nodeName is a service's whole state in one sentence, for those who do not see the picture. */
export function nodeName(node: ServiceNode): string {
  const parts = [node.name, answers(node), healthWord(node.health, node.source, node.own)];
  if (node.busy) parts.push(node.busy.words);
  else if (node.trouble) parts.push(node.trouble.title.toLowerCase());
  if (node.own?.behind) parts.push("runs with an older environment");
  if (node.own?.track) parts.push("follows its branch");
  if (node.traffic) parts.push(rateWords(node.traffic.perSecond));
  return parts.join(", ");
}
