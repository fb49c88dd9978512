"use client";

import { Boxes, Rocket } from "lucide-react";
import { Fragment, useMemo, useState } from "react";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Empty, Skeleton } from "@/components/ui/empty";
import { ProblemBox } from "@/components/ui/problem";
import { DeployDialog } from "@/components/deploy/deploy-dialog";
import { api, ok, type Schemas } from "@/lib/api";
import { useResource } from "@/lib/live";
import { useQuery } from "@/lib/use-query";
import { possible, type Act } from "./service/actions";
import { ServiceDialogs } from "./service/dialogs";
import { ServiceFrame } from "./service/frame";
import { ServicePanel } from "./service/panel";
import { ServicesTable } from "./service/services-table";
import { Legend } from "./topology/legend";
import { answered, drawn, serviceNodes, type ServiceNode } from "./topology/model";
import { Picture } from "./topology/picture";
import { TraceCard } from "./trace/trace-card";
import { useTraffic } from "./use-sandbox";

interface TopologyTabProps {
  sandbox: Schemas["Sandbox"];
  operations: Schemas["Operation"][];
  reload: () => void;
}

/** TopologyTab is the sandbox at work: the picture, what one does to a service of it, and the trace of a request. */
export function TopologyTab({ sandbox, operations, reload }: TopologyTabProps) {
  const { values, set } = useQuery("service");
  const traffic = useTraffic(sandbox.name, true);
  const repositories = useResource(
    "repositories",
    async (signal) => (await ok(api.GET("/api/v1/repositories", { signal }))).items ?? [],
  );
  const [trace, setTrace] = useState<Schemas["Trace"]>();
  const [asked, setAsked] = useState<{ service: string; act: Act }>();
  const nodes = useMemo(() => serviceNodes(sandbox, traffic.data, operations), [sandbox, traffic.data, operations]);
  const inPicture = useMemo(() => drawn(nodes, trace), [nodes, trace]);
  const chosen = nodes.find((n) => n.name === values.service);
  const acting = asked && nodes.find((n) => n.name === asked.service);
  const ocpOf = (name: string) => {
    const known = nodes.find((n) => n.name === name);
    return known?.source === "ocp" && known.url ? known.url : repositories.data?.find((r) => r.name === name)?.ocp;
  };
  const can = (node: (typeof nodes)[number]) => possible(node, sandbox, repositories.data);
  const choose = (service: string) => set({ service: service === values.service ? "" : service });

  if (!traffic.data && !traffic.problem) return <Skeleton lines={6} label="Loading the topology" />;
  return (
    <div className="space-y-5">
      {sandbox.services.length === 0 && <NothingYet sandbox={sandbox} shared={nodes.filter(answered).length} />}
      <div className="items-start gap-4 min-[88rem]:flex">
        <div className="min-w-0 flex-1 space-y-5">
          <section aria-label="Topology">
            <Card title="Topology" actions={<Legend />}>
              {traffic.problem && traffic.problem.status !== 0 && <ProblemBox problem={traffic.problem} className="mb-3" />}
              {nodes.length > 0 ? (
                <Picture
                  {...{ sandbox, trace }}
                  nodes={inPicture}
                  traffic={traffic.data}
                  chosen={values.service}
                  onChoose={choose}
                />
              ) : (
                <p className="text-ink-2">No service is configured anywhere yet.</p>
              )}
              <Absent nodes={nodes.filter((n) => !inPicture.includes(n))} onChoose={choose} />
            </Card>
          </section>
          <TraceCard sandbox={sandbox} nodes={nodes} example={nodes[0]?.name} trace={trace} onTrace={setTrace} />
          <section aria-label="Services">
            <Card title="Services" flush>
              <ServicesTable
                nodes={nodes}
                can={can}
                onChoose={(service) => set({ service })}
                onAct={(service, act) => setAsked({ service, act })}
              />
            </Card>
          </section>
        </div>
        <ServiceFrame name={chosen?.name} onClose={() => set({ service: "" })}>
          {chosen && (
            <ServicePanel
              sandbox={sandbox}
              node={chosen}
              can={can(chosen)}
              ocp={ocpOf(chosen.name)}
              onAct={(act) => setAsked({ service: chosen.name, act })}
              onChanged={reload}
            />
          )}
        </ServiceFrame>
      </div>
      {asked && acting && (
        <ServiceDialogs
          key={asked.service + asked.act}
          sandbox={sandbox}
          node={acting}
          act={asked.act}
          ocp={ocpOf(asked.service)}
          onClose={() => setAsked(undefined)}
          onDone={reload}
        />
      )}
    </div>
  );
}

/** Absent names the services that are not in the picture, because nobody answers for them and nobody asks. */
function Absent({ nodes, onChoose }: { nodes: ServiceNode[]; onChoose: (name: string) => void }) {
  if (nodes.length === 0) return null;
  return (
    <p className="mt-3 text-xs text-ink-2">
      Not in OCP and not deployed here:{" "}
      {nodes.map((n, i) => (
        <Fragment key={n.name}>
          {i > 0 && ", "}
          <button
            type="button"
            data-service={n.name}
            className="font-medium underline underline-offset-2"
            onClick={() => onChoose(n.name)}
          >
            {n.name}
          </button>
        </Fragment>
      ))}
    </p>
  );
}

function NothingYet({ sandbox, shared }: { sandbox: Schemas["Sandbox"]; shared: number }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Empty
        icon={Boxes}
        title="Nothing of your own runs here yet"
        action={
          <Button look="primary" disabled={sandbox.deleting} onClick={() => setOpen(true)}>
            <Rocket aria-hidden className="size-4" /> Deploy the first branch
          </Button>
        }
      >
        Pick a service and a branch: it is built, started and put behind {sandbox.url || "the sandbox's URL"}.{" "}
        {shared > 0 && "Everything you do not deploy is answered by the shared environment, as the picture below shows."}
      </Empty>
      {open && <DeployDialog sandbox={sandbox} open onOpenChange={setOpen} />}
    </>
  );
}
