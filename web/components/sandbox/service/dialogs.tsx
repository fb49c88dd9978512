"use client";

import { DeployDialog } from "@/components/deploy/deploy-dialog";
import { LogView } from "@/components/logs/log-view";
import { Confirm, Dialog } from "@/components/ui/dialog";
import { useToast } from "@/components/ui/toast";
import { api, newKey, ok, type Schemas } from "@/lib/api";
import { answers, type ServiceNode } from "../topology/model";
import type { Act } from "./actions";
import { RouteDialog } from "./route-dialog";

interface DialogsProps {
  sandbox: Schemas["Sandbox"];
  node: ServiceNode;
  act: Act;
  ocp: string | undefined;
  onClose: () => void;
  onDone: () => void;
}

/** ServiceDialogs shows the dialog of one thing to do to one service. */
export function ServiceDialogs({ sandbox, node, act, ocp, onClose, onDone }: DialogsProps) {
  const onOpenChange = (open: boolean) => {
    if (!open) onClose();
  };
  switch (act) {
    case "deploy":
      return <DeployDialog sandbox={sandbox} services={[node.name]} open onOpenChange={onOpenChange} />;
    case "logs":
      return <LogDialog sandbox={sandbox.name} node={node} onOpenChange={onOpenChange} />;
    case "restart":
    case "stop":
      return <ContainerDialog {...{ sandbox, node, onOpenChange, onDone }} verb={act} />;
    default:
      return <RouteDialog {...{ sandbox, node, ocp, onOpenChange, onDone }} to={act} />;
  }
}

function LogDialog({
  sandbox,
  node,
  onOpenChange,
}: {
  sandbox: string;
  node: ServiceNode;
  onOpenChange: (open: boolean) => void;
}) {
  const path = `/api/v1/sandboxes/${encodeURIComponent(sandbox)}/services/${encodeURIComponent(node.name)}/logs`;
  return (
    <Dialog
      open
      wide
      onOpenChange={onOpenChange}
      title={`Log of ${node.name}`}
      description={node.own?.serving ? `What ${node.own.serving.name} prints, live.` : "What its last container printed."}
    >
      {/* Another container has another log. */}
      <LogView
        key={node.own?.serving?.deployment}
        stream={path + "/stream"}
        download={path}
        label={`Log of ${node.name}`}
        className="h-[62dvh]"
      />
    </Dialog>
  );
}

interface ContainerDialogProps {
  sandbox: Schemas["Sandbox"];
  node: ServiceNode;
  verb: "restart" | "stop";
  onOpenChange: (open: boolean) => void;
  onDone: () => void;
}

function ContainerDialog({ sandbox, node, verb, onOpenChange, onDone }: ContainerDialogProps) {
  const toast = useToast();
  const run = async () => {
    const params = { path: { name: sandbox.name, service: node.name }, header: { "Idempotency-Key": newKey() } };
    if (verb === "restart") await ok(api.POST("/api/v1/sandboxes/{name}/services/{service}/restart", { params }));
    else await ok(api.POST("/api/v1/sandboxes/{name}/services/{service}/stop", { params }));
    toast(verb === "restart" ? `${node.name} is being restarted.` : `${node.name} is being stopped.`);
    onDone();
  };
  return (
    <Confirm
      open
      onOpenChange={onOpenChange}
      title={verb === "restart" ? `Restart ${node.name}?` : `Stop ${node.name}?`}
      verb={verb === "restart" ? "Restart" : "Stop"}
      danger={verb === "stop"}
      run={run}
    >
      {verb === "restart" ? <AboutRestart node={node} /> : <AboutStop node={node} sandbox={sandbox.name} />}
    </Confirm>
  );
}

function AboutRestart({ node }: { node: ServiceNode }) {
  return (
    <>
      <p>
        A new container of the same image is started, with the environment as it is now
        {node.own?.behind && ", which is newer than what it runs with"}.
      </p>
      <p>
        {node.own?.serving
          ? "The old one answers until the new one is healthy. Nothing is dropped; if the new one does not become healthy, the old one stays."
          : "Nothing runs now; it answers as soon as it is healthy."}
      </p>
    </>
  );
}

function AboutStop({ node, sandbox }: { node: ServiceNode; sandbox: string }) {
  return (
    <>
      <p>
        Its container finishes the requests it has and is removed:{" "}
        <span className="font-mono text-xs wrap-anywhere">{node.own?.serving?.name}</span>.
      </p>
      {node.source === "sandbox" ? (
        <p>
          <b className="font-semibold">
            After that nobody answers for {node.name} in {sandbox}:
          </b>{" "}
          requests get 503 with the reason. They do not go to OCP by themselves; route it there if you want that, or deploy a
          branch.
        </p>
      ) : (
        <p>Its requests do not notice: they go to {answers(node)}, and go on doing so.</p>
      )}
    </>
  );
}
