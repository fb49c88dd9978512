"use client";

import { Pencil } from "lucide-react";
import { useState, type ReactNode } from "react";
import { limitsLine } from "@/components/form/limits";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, Facts } from "@/components/ui/card";
import { Ago } from "@/components/ui/facts";
import type { Schemas } from "@/lib/api";
import { plural } from "@/lib/format";
import { Behind } from "./behind";
import { Definition } from "./definition";
import { EditDescription, EditLimits } from "./settings-edit";
import { Tracking } from "./tracking";

type Part = "description" | "limits";

/** SettingsTab shows and changes what a sandbox is beside its services and its environment. */
export function SettingsTab({ sandbox, reload }: { sandbox: Schemas["Sandbox"]; reload: () => void }) {
  const [editing, setEditing] = useState<Part>();
  const [behind, setBehind] = useState<string[]>([]);
  const edit = (part: Part, label: string): ReactNode => (
    <Button size="small" onClick={() => setEditing(part)}>
      <Pencil aria-hidden className="size-3.5" /> {label}
    </Button>
  );
  const props = {
    sandbox,
    onClose: () => setEditing(undefined),
    onChanged: (out: Schemas["UpdatedSandbox"]) => {
      setBehind(out.behind ?? []);
      reload();
    },
  };
  const labels = Object.entries(sandbox.labels ?? {});
  const { limits } = sandbox;
  return (
    <div className="space-y-5">
      <Behind sandbox={sandbox.name} services={behind} onRestarted={() => setBehind([])} />
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <Card title="About" actions={edit("description", "Edit description and labels")}>
          <Facts
            items={[
              [
                "Description",
                sandbox.description || (
                  <span key="d" className="text-ink-3">
                    none
                  </span>
                ),
              ],
              [
                "Labels",
                labels.length > 0 ? (
                  <span key="l" className="flex flex-wrap gap-1.5">
                    {labels.map(([k, v]) => (
                      <Badge key={k} className="font-mono">
                        {v ? `${k}=${v}` : k}
                      </Badge>
                    ))}
                  </span>
                ) : (
                  <span key="l" className="text-ink-3">
                    none
                  </span>
                ),
              ],
              ["Owner", sandbox.owner],
              ["Made", <Ago key="m" at={sandbox.createdAt} />],
              ["Port", `${sandbox.port} of ${sandbox.gatewayNode}${sandbox.portNote ? ` (${sandbox.portNote})` : ""}`],
            ]}
          />
        </Card>
        <Card title="Limits" actions={edit("limits", "Edit limits")}>
          <Facts
            items={[
              ["Each container", limitsLine(limits?.container) || "what its node says"],
              ["All together", limitsLine(limits?.total) || "no limit"],
              ...(sandbox.services ?? [])
                .filter((s) => limitsLine(s.limits))
                .map((s): [string, ReactNode] => [s.name, `${limitsLine(s.limits)}, its own`]),
            ]}
          />
        </Card>
      </div>
      <Tracking sandbox={sandbox} reload={reload} />
      <Definition sandbox={sandbox.name} services={plural(sandbox.services?.length ?? 0, "service")} />
      {editing === "description" && <EditDescription {...props} />}
      {editing === "limits" && <EditLimits {...props} />}
    </div>
  );
}
