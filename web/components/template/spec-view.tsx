import type { ReactNode } from "react";
import { limitsLine } from "@/components/form/limits";
import { Badge } from "@/components/ui/badge";
import { Facts } from "@/components/ui/card";
import type { Schemas } from "@/lib/api";
import type { Spec } from "./model";
import { TemplateText } from "./text";

/** SpecView shows what a template, or any definition, makes: services first, then settings. */
export function SpecView({ spec }: { spec: Spec }) {
  const services = Object.entries(spec.services ?? {}).sort(([a], [b]) => a.localeCompare(b));
  const { gateway } = spec;
  const settings: [string, ReactNode][] = [
    ["Description", spec.description && <TemplateText text={spec.description} />],
    [
      "Environment",
      spec.environment && (
        <>
          <TemplateText text={spec.environment} />
          {spec.environmentVersion ? `, version ${spec.environmentVersion}` : ""}
        </>
      ),
    ],
    ["Variables", entries(spec.variables)],
    ["Labels", entries(spec.labels)],
    ["Each container", limitsLine(spec.limits?.container)],
    ["All together", limitsLine(spec.limits?.total)],
  ];
  return (
    <div className="space-y-4">
      {services.length === 0 && !gateway && (
        <p className="text-ink-2">No service of its own: the shared environment answers for all.</p>
      )}
      {(services.length > 0 || gateway) && (
        <ul className="divide-y rounded-lg border">
          {gateway && <Service name={gateway.repository ?? "gateway"} spec={gateway} isGateway />}
          {services.map(([name, s]) => (
            <Service key={name} name={name} spec={s} />
          ))}
        </ul>
      )}
      {settings.some(([, v]) => v) && <Facts items={settings} />}
    </div>
  );
}

function entries(values: Record<string, string> | undefined): ReactNode {
  const list = Object.entries(values ?? {});
  if (list.length === 0) return undefined;
  return (
    <span className="block space-y-0.5">
      {list.map(([k, v]) => (
        <span key={k} className="block font-mono text-xs wrap-anywhere">
          <b className="font-medium">{k}</b>=<TemplateText text={v} />
        </span>
      ))}
    </span>
  );
}

function Service({ name, spec: s, isGateway }: { name: string; spec: Schemas["ServiceSpec"]; isGateway?: boolean }) {
  return (
    <li className="grid gap-x-4 gap-y-1 px-3 py-2 sm:grid-cols-[11rem_minmax(0,1fr)]">
      <span className="flex flex-wrap items-center gap-2 font-medium">
        {name.includes("${") ? <TemplateText text={name} /> : <span className="wrap-anywhere">{name}</span>}
        {isGateway && <Badge>gateway</Badge>}
        {s.useOCP && <Badge tone="ocp">OCP</Badge>}
        {s.url && <Badge>URL</Badge>}
        {s.track && <Badge tone="ok">tracked</Badge>}
      </span>
      <span className="min-w-0 space-y-1">
        {s.branch && (
          <span className="block">
            <span className="text-xs text-ink-3">branch </span>
            <TemplateText text={s.branch} />
          </span>
        )}
        {s.commit && (
          <span className="block">
            <span className="text-xs text-ink-3">commit </span>
            <TemplateText text={s.commit} />
          </span>
        )}
        {s.url && <TemplateText text={s.url} />}
        {s.useOCP && <span className="text-xs text-ink-2">the shared environment answers</span>}
        {entries(s.variables)}
        {limitsLine(s.limits) && <span className="block text-xs text-ink-2">{limitsLine(s.limits)}</span>}
      </span>
    </li>
  );
}
