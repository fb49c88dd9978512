"use client";

import { ArrowLeft, Boxes, SearchX, Trash2 } from "lucide-react";
import { ButtonLink } from "@/components/ui/button";
import { Empty, Skeleton } from "@/components/ui/empty";
import { PageHeader } from "@/components/ui/card";
import { ProblemBox } from "@/components/ui/problem";
import { Tabs } from "@/components/ui/tabs";
import { full } from "@/lib/format";
import type { Schemas } from "@/lib/api";
import { hrefs } from "@/lib/routes";
import { useQuery } from "@/lib/use-query";
import { AuditTab } from "./audit-tab";
import { EnvironmentTab } from "./environment-tab";
import { SandboxHead } from "./head";
import { HistoryTab } from "./history-tab";
import { SettingsTab } from "./settings-tab";
import { SnapshotsTab } from "./snapshots-tab";
import { TopologyTab } from "./topology-tab";
import { useOperations, useSandbox } from "./use-sandbox";

/** SandboxPage is all there is to see and do about one sandbox. */
export function SandboxPage({ name }: { name: string }) {
  const { data: sandbox, problem, reload } = useSandbox(name);
  if (!name) return <NoName />;
  if (!sandbox) {
    if (problem) return <Unknown name={name} problem={problem} />;
    return <Skeleton lines={8} label={`Loading ${name}`} />;
  }
  // The API knows no deleted sandbox: who was looking at it when it went is told what became of it.
  if (sandbox.state === "DELETED" || problem?.status === 404) return <Gone sandbox={sandbox} />;
  return (
    <>
      {problem && problem.status !== 0 && <ProblemBox problem={problem} className="mb-4" />}
      <Known sandbox={sandbox} reload={() => void reload()} />
    </>
  );
}

function Known({ sandbox, reload }: { sandbox: Schemas["Sandbox"]; reload: () => void }) {
  const { values, set } = useQuery("tab", "service");
  const operations = useOperations(sandbox.name);
  const part = { sandbox, reload };
  return (
    <>
      <SandboxHead sandbox={sandbox} operations={operations.data ?? []} />
      <Tabs
        label={`Parts of ${sandbox.name}`}
        value={values.tab || "topology"}
        onChange={(tab) => set({ tab: tab === "topology" ? "" : tab, service: "" })}
        tabs={[
          { id: "topology", label: "Topology", content: <TopologyTab {...part} operations={operations.data ?? []} /> },
          { id: "environment", label: "Environment", content: <EnvironmentTab {...part} /> },
          { id: "settings", label: "Settings", content: <SettingsTab {...part} /> },
          { id: "snapshots", label: "Snapshots", content: <SnapshotsTab {...part} /> },
          { id: "history", label: "History", content: <HistoryTab {...part} /> },
          { id: "audit", label: "Audit", content: <AuditTab {...part} /> },
        ]}
      />
    </>
  );
}

const back = (
  <ButtonLink href={hrefs.overview()} look="primary">
    <ArrowLeft aria-hidden className="size-4" /> All sandboxes
  </ButtonLink>
);

function NoName() {
  return (
    <Empty icon={Boxes} title="Which sandbox?" action={back}>
      The address names none. Choose one from the list.
    </Empty>
  );
}

function Unknown({ name, problem }: { name: string; problem: Schemas["Problem"] }) {
  return (
    <div className="space-y-4">
      <PageHeader title={name} />
      <ProblemBox problem={problem} />
      {problem.status === 404 && (
        <Empty icon={SearchX} title="It may have another name, or be gone" action={back}>
          Deleted sandboxes stay in the history for a while.
        </Empty>
      )}
    </div>
  );
}

/** Gone is what a sandbox shows that was deleted, also while somebody was looking at it. */
function Gone({ sandbox }: { sandbox: Schemas["Sandbox"] }) {
  const { name, deletedAt } = sandbox;
  return (
    <div className="space-y-4">
      <PageHeader title={name} />
      <div role="status">
        <Empty
          icon={Trash2}
          title={`${name} is deleted`}
          action={
            <>
              {back}
              <ButtonLink href={hrefs.history(name)}>Its history</ButtonLink>
              <ButtonLink href={hrefs.snapshots(name)}>Its snapshots</ButtonLink>
            </>
          }
        >
          {deletedAt && (
            <p>
              It was deleted on {full(deletedAt)}. Its containers, network and port are gone; history, audit and snapshots stay.
            </p>
          )}
        </Empty>
      </div>
    </div>
  );
}
