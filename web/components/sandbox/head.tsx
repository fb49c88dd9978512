"use client";

import { Camera, CopyPlus, Ellipsis, ExternalLink, Hand, Rocket, Trash2 } from "lucide-react";
import Link from "next/link";
import { useState, type ReactNode } from "react";
import { DeployDialog } from "@/components/deploy/deploy-dialog";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/card";
import { CopyButton } from "@/components/ui/copy";
import { Ago } from "@/components/ui/facts";
import { Menu, MenuItem, MenuSeparator } from "@/components/ui/menu";
import { ProblemBox } from "@/components/ui/problem";
import { QRButton } from "@/components/ui/qr";
import { useToast } from "@/components/ui/toast";
import { api, newKey, ok, type Schemas } from "@/lib/api";
import { useAction } from "@/lib/live";
import { hrefs, safeHref } from "@/lib/routes";
import { words } from "@/lib/tones";
import { AttentionNotes } from "./attention";
import { CloneDialog } from "./clone-dialog";
import { DeleteDialog } from "./delete-dialog";
import { RunningOperations } from "./running";
import { SnapshotDialog } from "./snapshot-dialog";
import { sandboxTone } from "./words";

type Sandbox = Schemas["Sandbox"];

/** SandboxHead says what a sandbox is and how it is, and holds what can be done with all of it. */
export function SandboxHead({ sandbox, operations }: { sandbox: Sandbox; operations: Schemas["Operation"][] }) {
  return (
    <>
      <PageHeader title={sandbox.name} actions={<Actions sandbox={sandbox} />}>
        <div className="mb-1 flex flex-wrap items-center gap-2">
          <Badge tone={sandboxTone(sandbox.health)} dot title={sandbox.healthReasons?.join("\n")}>
            {sandbox.health === "ok" ? "healthy" : sandbox.health}
          </Badge>
          {(sandbox.state !== "ACTIVE" || sandbox.deleting) && (
            <Badge tone="warn">{sandbox.deleting ? "being deleted" : words(sandbox.state)}</Badge>
          )}
          {sandbox.description && <span className="min-w-0 break-words">{sandbox.description}</span>}
        </div>
      </PageHeader>
      <Strip sandbox={sandbox} />
      <AttentionNotes sandbox={sandbox} />
      <RunningOperations operations={operations} sandbox={sandbox} />
    </>
  );
}

/** Strip is the facts in one line that wraps. */
function Strip({ sandbox }: { sandbox: Sandbox }) {
  const { environment, environmentVersion } = sandbox;
  return (
    <dl className="mb-5 flex flex-wrap gap-x-8 gap-y-3 rounded-xl border bg-surface px-4 py-3">
      <Fact name="URL">{sandbox.url ? <Address sandbox={sandbox} /> : <span className="text-ink-3">no port yet</span>}</Fact>
      <Fact name="Gateway">
        {sandbox.gateway ? sandbox.gateway : "path routing"}{" "}
        <span className="text-ink-3">
          on {sandbox.gatewayNode}:{sandbox.port}
        </span>
      </Fact>
      <Fact name="Owner">{sandbox.owner}</Fact>
      <Fact name="Environment">
        {environment ? (
          <Link href={hrefs.environment(environment)} className="text-accent-text underline-offset-2 hover:underline">
            {environment}
            {environmentVersion ? ` v${environmentVersion}` : ""}
          </Link>
        ) : (
          <span className="text-ink-3">none</span>
        )}
        {environment && !!environmentVersion && <span className="text-ink-3"> pinned</span>}
      </Fact>
      <Fact name="Last used">
        <Ago at={sandbox.lastActivity} never="none yet" />
      </Fact>
      {sandbox.portNote && <Fact name="Port">{sandbox.portNote}</Fact>}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-ink-3">{name}</dt>
      <dd className="flex min-h-7 min-w-0 flex-wrap items-center gap-x-1 break-words">{children}</dd>
    </div>
  );
}

function Address({ sandbox: { url, name } }: { sandbox: Sandbox }) {
  const href = safeHref(url);
  return (
    <>
      {href ? (
        <a
          href={href}
          target="_blank"
          rel="noreferrer"
          className="inline-flex min-w-0 items-center gap-1 font-mono text-xs wrap-anywhere text-accent-text underline-offset-2 hover:underline"
        >
          {url} <ExternalLink aria-hidden className="size-3.5 shrink-0" />
          <span className="sr-only">(opens in a new tab)</span>
        </a>
      ) : (
        <span className="font-mono text-xs wrap-anywhere">{url}</span>
      )}
      <span className="inline-flex">
        <CopyButton text={url} label={`Copy URL of ${name}`} />
        <QRButton url={url} of={name} small />
      </span>
    </>
  );
}

type Open = "deploy" | "clone" | "snapshot" | "delete" | undefined;

function Actions({ sandbox }: { sandbox: Sandbox }) {
  const [open, setOpen] = useState<Open>();
  const dialog = (which: Open) => ({
    sandbox,
    open: open === which,
    onOpenChange: (o: boolean) => setOpen(o ? which : undefined),
  });
  const off = sandbox.deleting;
  const toast = useToast();
  const touch = useAction(async () => {
    const params = { path: { name: sandbox.name }, header: { "Idempotency-Key": newKey() } };
    await ok(api.POST("/api/v1/sandboxes/{name}/touch", { params }));
    toast(`${sandbox.name} counts as used from now.`);
  });
  return (
    <>
      <Button look="primary" disabled={off} onClick={() => setOpen("deploy")}>
        <Rocket aria-hidden className="size-4" /> Deploy
      </Button>
      <Button className="max-sm:hidden" disabled={off} onClick={() => setOpen("clone")}>
        <CopyPlus aria-hidden className="size-4" /> Clone
      </Button>
      <Button className="max-sm:hidden" disabled={off} onClick={() => setOpen("snapshot")}>
        <Camera aria-hidden className="size-4" /> Take snapshot
      </Button>
      <Menu
        trigger={
          <Button size="icon" aria-label="More" disabled={off}>
            <Ellipsis aria-hidden className="size-4" />
          </Button>
        }
      >
        <MenuItem className="sm:hidden" onSelect={() => setOpen("clone")}>
          <CopyPlus aria-hidden className="size-4" /> Clone
        </MenuItem>
        <MenuItem className="sm:hidden" onSelect={() => setOpen("snapshot")}>
          <Camera aria-hidden className="size-4" /> Take snapshot
        </MenuItem>
        <div className="sm:hidden">
          <MenuSeparator />
        </div>
        <MenuItem disabled={touch.busy} onSelect={() => void touch.act()}>
          <Hand aria-hidden className="size-4" /> Mark as used
        </MenuItem>
        <MenuItem danger onSelect={() => setOpen("delete")}>
          <Trash2 aria-hidden className="size-4" /> Delete
        </MenuItem>
      </Menu>
      <ProblemBox problem={touch.problem} className="basis-full" />
      <DeployDialog {...dialog("deploy")} />
      <CloneDialog {...dialog("clone")} />
      <SnapshotDialog {...dialog("snapshot")} />
      <DeleteDialog {...dialog("delete")} />
    </>
  );
}
