import { KeyRound } from "lucide-react";
import { Badge } from "@/components/ui/badge";
import { Commit } from "@/components/ui/facts";
import { limitsLine } from "@/components/form/limits";
import type { Schemas } from "@/lib/api";

type Snapshot = Schemas["Snapshot"];

interface Frozen {
  name: string;
  by: "sandbox" | "ocp" | "url";
  url?: string;
  branch?: string;
  commit?: string;
}

/** frozen lists what a snapshot says of each service, the gateway first. */
export function frozen(spec: Schemas["SandboxSpec"]): Frozen[] {
  const services = Object.entries(spec.services ?? {})
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, s]): Frozen => ({
      name,
      by: s.useOCP ? "ocp" : s.url ? "url" : "sandbox",
      url: s.url,
      branch: s.branch,
      commit: s.commit,
    }));
  const g = spec.gateway;
  return g ? [{ name: g.repository ?? "gateway", by: "sandbox", branch: g.branch, commit: g.commit }, ...services] : services;
}

/** SnapshotDetail shows what a snapshot holds. Of secrets there are only names. */
export function SnapshotDetail({ snapshot: s }: { snapshot: Snapshot }) {
  const images = new Map((s.images ?? []).map((i) => [i.service, i]));
  const secrets = Object.entries(s.secretKeys ?? {}).filter(([, keys]) => keys?.length);
  const { spec } = s;
  const settings = [
    spec.environment && `environment ${spec.environment}${spec.environmentVersion ? `, version ${spec.environmentVersion}` : ""}`,
    Object.keys(spec.variables ?? {}).length > 0 && `variables ${Object.keys(spec.variables!).join(", ")}`,
    limitsLine(spec.limits?.container) && `each container ${limitsLine(spec.limits?.container)}`,
    limitsLine(spec.limits?.total) && `all together ${limitsLine(spec.limits?.total)}`,
  ].filter(Boolean);
  return (
    <div className="mt-3 space-y-2 rounded-lg border bg-sunken p-3">
      <ul className="space-y-2">
        {frozen(spec).map((f) => (
          <li key={f.name} className="grid gap-x-4 gap-y-0.5 sm:grid-cols-[10rem_minmax(0,1fr)_minmax(0,1fr)]">
            <span className="flex items-center gap-2 font-medium">
              {f.name} {f.by === "ocp" && <Badge tone="ocp">OCP</Badge>}
              {f.by === "url" && <Badge>URL</Badge>}
            </span>
            {f.by === "sandbox" ? (
              <Commit branch={f.branch} sha={f.commit} />
            ) : (
              <span className="text-xs wrap-anywhere text-ink-2">{f.url ?? "the shared environment answers"}</span>
            )}
            {images.has(f.name) && (
              <span className="font-mono text-xs wrap-anywhere text-ink-3">
                {images.get(f.name)!.image} on {images.get(f.name)!.node}
              </span>
            )}
          </li>
        ))}
      </ul>
      {settings.length > 0 && <p className="text-xs text-ink-2">{settings.join("; ")}</p>}
      {secrets.map(([service, keys]) => (
        <p key={service} className="flex items-start gap-1.5 text-xs text-ink-2">
          <KeyRound aria-hidden className="mt-px size-3.5 shrink-0 text-ink-3" />{" "}
          <span>
            Secrets of {service || "the sandbox"}: <span className="font-mono wrap-anywhere">{keys!.join(", ")}</span>
          </span>
        </p>
      ))}
    </div>
  );
}
