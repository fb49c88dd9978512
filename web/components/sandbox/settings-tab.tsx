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
import { spanText } from "@/lib/units";
import { Behind } from "./behind";
import { Definition } from "./definition";
import { EditDescription, EditExpiry, EditLimits } from "./settings-edit";
import { Tracking } from "./tracking";

type Part = "description" | "limits" | "expiry";

/** SettingsTab shows and changes what a sandbox is beside its services and its environment. */
export function SettingsTab({ sandbox, reload }: { sandbox: Schemas["Sandbox"]; reload: () => void }) {
  const [editing, setEditing] = useState<Part>();
  const [behind, setBehind] = useState<string[]>([]);
  const edit = (part: Part, label: string): ReactNode => (
    <Button size="small" onClick={() => setEditing(part)}><Pencil aria-hidden className="size-3.5" /> {label}</Button>
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
  const { limits, expiry } = sandbox;
  return (
    <div className="space-y-5">
      <Behind sandbox={sandbox.name} services={behind} onRestarted={() => setBehind([])} />
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <Card title="About" actions={edit("description", "Edit description and labels")}>
          <Facts items={[
            ["Description", sandbox.description || <span key="d" className="text-ink-3">none</span>],
            ["Labels", labels.length > 0 ? (
              <span key="l" className="flex flex-wrap gap-1.5">{labels.map(([k, v]) => <Badge key={k} className="font-mono">{v ? `${k}=${v}` : k}</Badge>)}</span>
            ) : <span key="l" className="text-ink-3">none</span>],
            ["Owner", sandbox.owner],
            ["Made", <Ago key="m" at={sandbox.createdAt} />],
            ["Port", `${sandbox.port} of ${sandbox.gatewayNode}${sandbox.portNote ? ` (${sandbox.portNote})` : ""}`],
          ]} />
        </Card>
        <div className="space-y-5">
          <Card title="Limits" actions={edit("limits", "Edit limits")}>
            <Facts items={[
              ["Each container", limitsLine(limits?.container) || "what its node says"],
              ["All together", limitsLine(limits?.total) || "no limit"],
              ...(sandbox.services ?? []).filter((s) => limitsLine(s.limits)).map((s): [string, ReactNode] => [s.name, `${limitsLine(s.limits)}, its own`]),
            ]} />
          </Card>
          <Card title="Expiry" actions={edit("expiry", "Edit expiry")}>
            {!expiry?.idleAfter && !expiry?.deleteAfter
              ? <p className="text-ink-2">Never: it runs until somebody stops or deletes it.</p>
              : <Facts items={[
                  ["Suspended", expiry.idleAfter ? `after ${spanText(expiry.idleAfter)} without a request` : "never by itself"],
                  ["Deleted", expiry.deleteAfter ? `${spanText(expiry.deleteAfter)} after that` : "never by itself"],
                  ["Last request", <Ago key="a" at={sandbox.lastActivity} never="none yet" />],
                ]} />}
            <p className="mt-2 text-xs text-ink-3">Kept with the sandbox, its clones and snapshots. This version of SDP does not suspend or delete by itself yet.</p>
          </Card>
        </div>
      </div>
      <Tracking sandbox={sandbox} reload={reload} />
      <Definition sandbox={sandbox.name} services={plural(sandbox.services?.length ?? 0, "service")} />
      {editing === "description" && <EditDescription {...props} />}
      {editing === "limits" && <EditLimits {...props} />}
      {editing === "expiry" && <EditExpiry {...props} />}
    </div>
  );
}
