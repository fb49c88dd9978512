"use client";

import { ArrowDown, Box, Cloud, Globe } from "lucide-react";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { Confirm } from "@/components/ui/dialog";
import { Commit } from "@/components/ui/facts";
import { Field, Input } from "@/components/ui/field";
import { useToast } from "@/components/ui/toast";
import { api, newKey, ok, type Schemas } from "@/lib/api";
import { cn } from "@/lib/cn";
import { answered, type ServiceNode } from "../topology/model";
import type { Source } from "../words";

interface RouteDialogProps {
  sandbox: Schemas["Sandbox"];
  node: ServiceNode;
  to: Source;
  /** Where the shared environment serves the service, if that is known. */
  ocp: string | undefined;
  onOpenChange: (open: boolean) => void;
  onDone: () => void;
}

const where: Record<Source, string> = { sandbox: "this sandbox", ocp: "OCP", url: "a URL" };

/** RouteDialog says exactly what switching a route changes, and does it. */
export function RouteDialog({ sandbox, node, to, ocp, onOpenChange, onDone }: RouteDialogProps) {
  const toast = useToast();
  const [url, setUrl] = useState(node.source === "url" ? (node.url ?? "") : "");
  const run = async () => {
    await ok(
      api.PUT("/api/v1/sandboxes/{name}/routes/{service}", {
        params: { path: { name: sandbox.name, service: node.name }, header: { "Idempotency-Key": newKey() } },
        body: to === "url" ? { source: to, url: url.trim() } : { source: to },
      }),
    );
    toast(`The route of ${node.name} is being switched to ${to === "url" ? url.trim() : where[to]}.`);
    onDone();
  };
  const field = useRef<HTMLDivElement>(null);
  // Not autoFocus: the dialog has to have the focus first, to know where to give it back to.
  useEffect(() => {
    const frame = requestAnimationFrame(() => field.current?.querySelector("input")?.focus());
    return () => cancelAnimationFrame(frame);
  }, []);
  const same = to === node.source && to !== "url";
  return (
    <Confirm open onOpenChange={onOpenChange} title={`Route ${node.name} to ${where[to]}?`} verb="Switch route" run={run}>
      {to === "url" && (
        <div ref={field}>
          <Field label="URL" hint="Absolute, http or https. Its path goes in front of the request's.">
            <Input
              type="url"
              required
              placeholder="http://10.0.0.7:8080"
              value={url}
              onChange={(e) => setUrl(e.target.value)}
              pattern="https?://.+"
              autoComplete="off"
              spellCheck={false}
            />
          </Field>
        </div>
      )}
      <p>
        In sandbox <b className="font-semibold">{sandbox.name}</b>, requests for <b className="font-semibold">{node.name}</b> are
        answered
      </p>
      <div className="space-y-1.5">
        <Answerer label="now by" source={node.source}>
          <Who node={node} source={node.source} url={node.url} />
        </Answerer>
        <ArrowDown aria-hidden className="mx-auto size-4 text-ink-3" />
        <Answerer label="then by" source={to} strong>
          <Who node={node} source={to} url={to === "ocp" ? ocp : url.trim()} />
        </Answerer>
      </div>
      <ul className="list-disc space-y-1 pl-5 text-ink-2">
        <li>It holds at once, for the next request, for everybody who uses this sandbox. Other sandboxes are not touched.</li>
        <li>Nothing is restarted or dropped: requests under way are finished by who has them.</li>
        {node.source === "sandbox" && node.own?.serving && (
          <li>The container keeps running, so you can switch back at any time.</li>
        )}
        {to === "ocp" && <li>What is called there works on the shared environment&apos;s data.</li>}
        {same && <li>This is what it does already: nothing changes.</li>}
      </ul>
    </Confirm>
  );
}

const icons = { sandbox: Box, ocp: Cloud, url: Globe };

function Answerer({ label, source, strong, children }: { label: string; source: Source; strong?: boolean; children: ReactNode }) {
  const Icon = icons[source];
  return (
    <div
      className={cn("flex items-start gap-3 rounded-lg border px-3 py-2", strong ? "border-accent bg-accent-soft" : "bg-sunken")}
    >
      <Icon aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0">
        <p className="text-xs text-ink-2">{label}</p>
        <div className="wrap-anywhere">{children}</div>
      </div>
    </div>
  );
}

/** Who says who answers for a service, if its requests go to source. */
export function Who({
  node,
  source,
  url,
  short,
}: {
  node: ServiceNode;
  source: Source;
  url: string | undefined;
  short?: boolean;
}) {
  if (source === "sandbox") {
    const serving = node.own?.serving;
    if (!serving) return <>nobody: no container runs</>;
    return (
      <>
        <Commit branch={node.branch} sha={serving.sha} /> <span className="whitespace-nowrap text-ink-2">on {serving.node}</span>
      </>
    );
  }
  if (source === node.source && !answered(node)) return <>nobody: not in OCP, not deployed here</>;
  return (
    <>
      {source === "ocp"
        ? short
          ? "OCP"
          : "the shared environment (OCP)"
        : !url && <span className="text-ink-3">the URL above</span>}
      {url && <span className={cn("font-mono text-xs", source === "ocp" && "block text-ink-2")}>{url}</span>}
    </>
  );
}
