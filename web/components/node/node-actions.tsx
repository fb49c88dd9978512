"use client";

import { useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { ProblemBox } from "@/components/ui/problem";
import { api, newKey, ok, type Schemas } from "@/lib/api";
import { plural } from "@/lib/format";
import { useAction, useResource } from "@/lib/live";

type Node = Schemas["Node"];

const of = (node: string) => ({ params: { path: { node }, header: { "Idempotency-Key": newKey() } } });

/** NodeActions takes a node out of service, step by step, and back. */
export function NodeActions({ node: n }: { node: Node }) {
  const [asked, setAsked] = useState<"drain" | "remove">();
  const cordon = useAction(async () => {
    if (n.cordonedBy) await ok(api.POST("/api/v1/nodes/{node}/uncordon", of(n.name)));
    else await ok(api.POST("/api/v1/nodes/{node}/cordon", of(n.name)));
  });
  return (
    <div className="space-y-2 border-t pt-3">
      <p className="flex flex-wrap gap-2">
        <Button
          busy={cordon.busy}
          title={n.cordonedBy ? "It takes new work again" : "Nothing new is placed on it; what runs goes on"}
          onClick={() => void cordon.act()}
        >
          {n.cordonedBy ? "Uncordon" : "Cordon"}
        </Button>
        <Button onClick={() => setAsked("drain")}>Drain ...</Button>
        <Button onClick={() => setAsked("remove")}>Remove ...</Button>
      </p>
      <ProblemBox problem={cordon.problem} />
      {asked === "drain" && <Drain node={n.name} onClose={() => setAsked(undefined)} />}
      {asked === "remove" && <Remove node={n} onClose={() => setAsked(undefined)} />}
    </div>
  );
}

function useWork(node: string) {
  return useResource(
    `nodes/${node}/work`,
    (signal) => ok(api.GET("/api/v1/nodes/{node}/work", { params: { path: { node } }, signal })),
    (e) => e.topic === "nodes" || e.topic.startsWith("deployment/") || e.topic.startsWith("sandbox/"),
  );
}

function Drain({ node, onClose }: { node: string; onClose: () => void }) {
  const [drain, setDrain] = useState<Schemas["NodeDrain"]>();
  const refused = useRef(false); // what could not be stopped is read before the dialog closes
  const run = async () => {
    const begun = await ok(api.POST("/api/v1/nodes/{node}/drain", of(node)));
    setDrain(begun);
    refused.current = begun.refused.length > 0;
  };
  return (
    <Confirm
      open
      onOpenChange={(open) => {
        if (!open && !refused.current) onClose();
        refused.current = false;
      }}
      title={`Drain ${node}?`}
      verb={drain ? "Try again" : "Drain"}
      danger
      run={run}
    >
      <p>
        It takes nothing new, its deployments under way are cancelled, and each of its services is stopped. Nothing is moved:
        whoever needs a service deploys it again once the node, or another with the repository, is in service.
      </p>
      <Work node={node} />
      {drain && drain.refused.length > 0 && (
        <ul role="alert" className="space-y-1 rounded-lg bg-warn-soft px-3 py-2 text-warn-text">
          {drain.refused.map((why) => (
            <li key={why}>{why}</li>
          ))}
        </ul>
      )}
    </Confirm>
  );
}

function Remove({ node: n, onClose }: { node: Node; onClose: () => void }) {
  const run = async () => {
    const { params } = of(n.name);
    await ok(api.DELETE("/api/v1/nodes/{node}", { params: { ...params, query: { force: !n.alive } } }));
  };
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Remove ${n.name}?`}
      verb="Remove"
      danger
      typeName={n.name}
      run={run}
    >
      <p>
        Its repositories leave the catalog and its token is refused.{" "}
        {n.alive ? "It must be drained first." : "It is down: what it ran is forgotten. Do this only if it does not come back."}
      </p>
      <Work node={n.name} />
    </Confirm>
  );
}

/** Work says what a node has to do with. */
function Work({ node }: { node: string }) {
  const work = useWork(node);
  const w = work.data;
  if (!w) return <ProblemBox problem={work.problem} />;
  if (w.containers.length + w.deployments.length + w.ports.length === 0) return <p>Nothing runs there.</p>;
  return (
    <ul className="list-disc space-y-1 pl-5">
      {w.containers.length > 0 && (
        <li>
          {plural(w.containers.length, "container")}: {w.containers.map((c) => `${c.service} of ${c.sandbox}`).join(", ")}
        </li>
      )}
      {w.deployments.length > 0 && (
        <li>
          {plural(w.deployments.length, "deployment")} under way:{" "}
          {w.deployments.map((c) => `${c.service} of ${c.sandbox}`).join(", ")}
        </li>
      )}
      {w.ports.length > 0 && (
        <li>
          {plural(w.ports.length, "public port")}, which cannot be moved:{" "}
          {w.ports.map((p) => `${p.port} of ${p.sandbox}`).join(", ")}
        </li>
      )}
    </ul>
  );
}
