import type { Sandbox } from "./use-sandboxes";
import { time } from "@/lib/format";

/** What the address keeps of the overview. */
export const queryNames = ["q", "owner", "service", "branch", "state", "sort", "view"] as const;
export type Query = Record<(typeof queryNames)[number], string>;

/** me stands for whoever looks, so that a link means the same to everybody. */
export const me = "me";

/** States one can filter by: those of the API, its words for health, and what they come to. */
export const stateGroups: { label: string; states: [value: string, label: string][] }[] = [
  {
    label: "State",
    states: [
      ["ACTIVE", "Active"],
      ["deleting", "Being deleted"],
    ],
  },
  {
    label: "Health",
    states: [
      ["ok", "Healthy"],
      ["degraded", "Degraded"],
      ["down", "Down"],
      ["idle", "Idle"],
    ],
  },
  {
    label: "Also",
    states: [
      ["deploying", "Deploying now"],
      ["failed", "Last deployment failed"],
      ["attention", "Wants attention"],
    ],
  },
];

export const sorts: [value: string, label: string][] = [
  ["", "Mine first"],
  ["active", "Last used first"],
  ["new", "Newest first"],
  ["name", "By name"],
  ["health", "Worst first"],
];

/** isDeploying: something is being deployed into it. */
export function isDeploying(s: Sandbox) {
  return s.services.some((v) => v.latest && !v.latest.settled);
}

export function hasFailed(s: Sandbox) {
  return s.services.some((v) => v.latest?.state === "FAILED");
}

function inState(s: Sandbox, state: string) {
  switch (state) {
    case "":
      return true;
    case "deleting":
      return Boolean(s.deleting);
    case "deploying":
      return isDeploying(s);
    case "failed":
      return hasFailed(s);
    case "attention":
      return (s.attention?.length ?? 0) > 0;
    case "ok":
    case "degraded":
    case "down":
    case "idle":
      return s.state === "ACTIVE" && s.health === state;
    default:
      return s.state === state;
  }
}

const texts = new WeakMap<Sandbox, string>();

/** searchText is what the search looks through; made once for each version of a sandbox. */
function searchText(s: Sandbox): string {
  let text = texts.get(s);
  if (text === undefined) {
    const services = s.services.flatMap((v) => [v.name, v.branch, v.serving?.branch, v.serving?.sha, v.url]);
    const labels = Object.entries(s.labels ?? {}).map(([k, v]) => `${k}=${v}`);
    text = [s.name, s.owner, s.description, s.environment, s.url, ...services, ...labels]
      .filter(Boolean)
      .join("\n")
      .toLowerCase();
    texts.set(s, text);
  }
  return text;
}

/** filtered returns what matches all of it. Each word of the search must be somewhere. */
export function filtered(items: Sandbox[], q: Query, user: string): Sandbox[] {
  const words = q.q.toLowerCase().split(/\s+/).filter(Boolean);
  const owner = q.owner === me ? user : q.owner;
  return items.filter(
    (s) =>
      (!owner || s.owner === owner) &&
      inState(s, q.state) &&
      (!q.service || s.services.some((v) => v.name === q.service)) &&
      (!q.branch || s.services.some((v) => v.branch === q.branch && v.source === "sandbox")) &&
      words.every((w) => searchText(s).includes(w)),
  );
}

/** activityOf is when somebody last did something with it, in milliseconds. */
export function activityOf(s: Sandbox): number {
  return Math.max(time(s.lastActivity) ?? 0, time(s.createdAt) ?? 0, ...s.services.map((v) => time(v.latest?.createdAt) ?? 0));
}

const badness: Record<Sandbox["health"], number> = { down: 0, degraded: 1, ok: 2, idle: 3 };

export interface Group {
  label: string;
  items: Sandbox[];
}

/** sorted orders and groups; a group without a label has no heading. */
export function sorted(items: Sandbox[], sort: string, user: string): Group[] {
  const at = new Map(items.map((s) => [s, activityOf(s)]));
  const byActivity = (a: Sandbox, b: Sandbox) => at.get(b)! - at.get(a)! || a.name.localeCompare(b.name);
  const all = items.slice();
  switch (sort) {
    case "name":
      return [{ label: "", items: all.sort((a, b) => a.name.localeCompare(b.name)) }];
    case "new":
      return [{ label: "", items: all.sort((a, b) => (time(b.createdAt) ?? 0) - (time(a.createdAt) ?? 0)) }];
    case "active":
      return [{ label: "", items: all.sort(byActivity) }];
    case "health":
      return [{ label: "", items: all.sort((a, b) => badness[a.health] - badness[b.health] || byActivity(a, b)) }];
  }
  all.sort(byActivity);
  const mine = all.filter((s) => s.owner === user);
  const others = all.filter((s) => s.owner !== user);
  if (mine.length === 0 || others.length === 0) return [{ label: "", items: all }];
  return [
    { label: "Mine", items: mine },
    { label: "Everybody else's", items: others },
  ];
}

/** choicesOf lists what the filters can be set to. */
export function choicesOf(items: Sandbox[]) {
  const owners = new Set<string>(),
    services = new Set<string>(),
    branches = new Set<string>();
  for (const s of items) {
    owners.add(s.owner);
    for (const v of s.services) {
      services.add(v.name);
      if (v.branch && v.source === "sandbox") branches.add(v.branch);
    }
  }
  const list = (set: Set<string>) => [...set].sort((a, b) => a.localeCompare(b));
  return { owners: list(owners), services: list(services), branches: list(branches) };
}
