import { Box, Cloud, Globe } from "lucide-react";
import { Button } from "@/components/ui/button";
import { cn } from "@/lib/cn";
import { answered, type ServiceNode } from "../topology/model";
import type { Source } from "../words";
import type { Act, Possible } from "./actions";
import { Who } from "./route-dialog";

interface RouteChoiceProps {
  node: ServiceNode;
  can: Possible;
  ocp: string | undefined;
  onAct: (act: Act) => void;
}

const choices: { source: Source; icon: typeof Box; title: string; verb: string }[] = [
  { source: "sandbox", icon: Box, title: "This sandbox", verb: "Route to sandbox" },
  { source: "ocp", icon: Cloud, title: "Shared environment", verb: "Route to OCP" },
  { source: "url", icon: Globe, title: "Any URL", verb: "Route to a URL" },
];

/** RouteChoice shows the three that can answer for a service, which one does, and the switch to the others. */
export function RouteChoice({ node, can, ocp, onAct }: RouteChoiceProps) {
  return (
    <ul className="divide-y rounded-lg border">
      {choices.map(({ source, icon: Icon, title, verb }) => {
        const now = node.source === source && answered(node);
        return (
          <li
            key={source}
            className={cn("flex items-center gap-3 px-3 py-2", now && "bg-accent-soft first:rounded-t-lg last:rounded-b-lg")}
          >
            <Icon aria-hidden className="size-4 shrink-0 text-ink-2" />
            <div className="min-w-0 flex-1">
              <p className="font-medium">{title}</p>
              <p className="text-xs wrap-anywhere text-ink-2">
                <Detail node={node} source={source} ocp={ocp} />
              </p>
            </div>
            {now && (
              <span className="shrink-0 text-xs font-medium text-accent-text">
                {source === "sandbox" && !node.own?.serving ? "routed here" : "answers now"}
              </span>
            )}
            {(!now || source === "url") && (
              <Button
                size="small"
                disabled={!!can[source]}
                title={can[source] && `Not now: ${can[source]}`}
                onClick={() => onAct(source)}
              >
                {now ? "Change the URL" : verb}
              </Button>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function Detail({ node, source, ocp }: { node: ServiceNode; source: Source; ocp: string | undefined }) {
  if (source === "sandbox")
    return node.own?.serving ? <Who node={node} source={source} url={undefined} /> : <>no container: deploy a branch first</>;
  const url = source === "ocp" ? ocp : node.source === "url" ? node.url : undefined;
  return (
    <>
      {url ?? (source === "ocp" ? (answered(node) ? "OCP" : "does not have it") : "a service on your machine, another sandbox …")}
    </>
  );
}
