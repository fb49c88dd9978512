"use client";

import { EllipsisVertical, FileInput, Pencil, Search, Trash2 } from "lucide-react";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { Badge } from "@/components/ui/badge";
import { Button, ButtonLink } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/card";
import { Confirm } from "@/components/ui/dialog";
import { Skeleton } from "@/components/ui/empty";
import { Ago } from "@/components/ui/facts";
import { Field, Input, Textarea } from "@/components/ui/field";
import { Menu, MenuItem, MenuSeparator } from "@/components/ui/menu";
import { ProblemBox } from "@/components/ui/problem";
import { Tabs } from "@/components/ui/tabs";
import { useToast } from "@/components/ui/toast";
import { api, newKey, ok } from "@/lib/api";
import { plural } from "@/lib/format";
import { hrefs } from "@/lib/routes";
import { useQuery } from "@/lib/use-query";
import { ChangeDialog } from "./change-dialog";
import { Files } from "./files";
import { ImportDialog } from "./import-dialog";
import { Secrets } from "./secrets";
import { Usage } from "./usage";
import { useEnvironment, useUsage, type Environment } from "./use-environment";
import { Variables } from "./variables";
import { Versions } from "./versions";

/** EnvironmentPage shows one environment, or one of its versions. */
export function EnvironmentPage() {
  const { values, set } = useQuery("name", "tab", "version", "search");
  const name = values.name;
  const environment = useEnvironment(name, values.version);
  const usage = useUsage(name);
  const e = environment.data;
  if (!e) {
    if (environment.loading)
      return (
        <>
          <PageHeader title={name} />
          <Skeleton lines={8} />
        </>
      );
    return (
      <>
        <PageHeader
          title={name || "Environment"}
          actions={<ButtonLink href={hrefs.environments()}>All environments</ButtonLink>}
        />
        <ProblemBox problem={environment.problem} />
      </>
    );
  }
  const old = e.version !== e.newest;
  const behind = usage.data?.services.filter((s) => s.behind).length ?? 0;
  const saved = (now: Environment) => {
    if (!values.version) environment.set(now);
    void usage.reload();
  };
  return (
    <>
      <Head environment={e} old={old} onSaved={saved} />
      <ProblemBox problem={environment.problem} className="mb-4" />
      {old && (
        <p className="mb-4 flex flex-wrap items-center gap-x-3 gap-y-1 rounded-lg bg-info-soft px-4 py-2.5 text-info-text">
          <span>
            This is version <b>{e.version}</b> of {e.newest}, made by {e.author} <Ago at={e.updatedAt} />. Versions never change.
          </span>
          <Link prefetch={false} className="font-medium underline" href={hrefs.environment(name)}>
            To the newest
          </Link>
          <Link
            prefetch={false}
            className="font-medium underline"
            href={`${hrefs.environment(name)}&tab=versions&from=${e.version}&to=${e.newest}`}
          >
            What changed since
          </Link>
        </p>
      )}
      {!old && behind > 0 && values.tab !== "usage" && (
        <p className="mb-4 flex flex-wrap items-center gap-x-3 gap-y-1 rounded-lg bg-warn-soft px-4 py-2.5 text-warn-text">
          <span>
            <b>{plural(behind, "service")}</b> still {behind === 1 ? "runs" : "run"} with something older: what runs keeps what it
            has until it is restarted.
          </span>
          <button type="button" className="font-medium underline" onClick={() => set({ tab: "usage" })}>
            See what, and restart it
          </button>
        </p>
      )}
      <Tabs
        label={`Parts of ${e.name}`}
        value={values.tab || "values"}
        onChange={(tab) => set({ tab: tab === "values" ? "" : tab })}
        tabs={[
          {
            id: "values",
            label: "Values",
            content: (
              <Values
                environment={e}
                editable={!old}
                search={values.search}
                onSearch={(search) => set({ search })}
                onSaved={saved}
              />
            ),
          },
          {
            id: "versions",
            label: (
              <>
                Versions <span className="text-ink-3">{e.newest}</span>
              </>
            ),
            content: <Versions name={e.name} newest={e.newest} />,
          },
          {
            id: "usage",
            label: <>Who uses it {usage.data && <span className="text-ink-3">{usage.data.sandboxes.length}</span>}</>,
            content: <Usage name={e.name} usage={usage} />,
          },
        ]}
      />
    </>
  );
}

interface ValuesProps {
  environment: Environment;
  editable: boolean;
  search: string;
  onSearch: (search: string) => void;
  onSaved: (now: Environment) => void;
}

function Values({ environment: e, editable, search, onSearch, onSaved }: ValuesProps) {
  const part = { environment: e, search, editable, onSaved };
  return (
    <div className="space-y-4">
      <div className="relative max-w-md">
        <Search aria-hidden className="pointer-events-none absolute top-2.5 left-3 size-4 text-ink-3" />
        <Field label="Search names and values" hideLabel>
          <Input
            type="search"
            className="pl-9"
            placeholder="Search names and values"
            value={search}
            onChange={(ev) => onSearch(ev.target.value)}
          />
        </Field>
      </div>
      <Variables {...part} />
      <div className="grid items-start gap-4 xl:grid-cols-2">
        <Secrets {...part} />
        <Files {...part} />
      </div>
    </div>
  );
}

function Head({ environment: e, old, onSaved }: { environment: Environment; old: boolean; onSaved: (now: Environment) => void }) {
  const [open, setOpen] = useState<"import" | "describe" | "delete">();
  const close = () => setOpen(undefined);
  const router = useRouter();
  const toast = useToast();
  return (
    <>
      <PageHeader
        title={e.name}
        actions={
          <>
            {!old && (
              <Button onClick={() => setOpen("import")}>
                <FileInput aria-hidden className="size-4" /> Import .env
              </Button>
            )}
            <Menu
              trigger={
                <Button size="icon" aria-label="More">
                  <EllipsisVertical aria-hidden className="size-4" />
                </Button>
              }
            >
              <MenuItem onSelect={() => setOpen("describe")}>
                <Pencil aria-hidden className="size-4" /> Edit description
              </MenuItem>
              <MenuSeparator />
              <MenuItem danger onSelect={() => setOpen("delete")}>
                <Trash2 aria-hidden className="size-4" /> Delete environment
              </MenuItem>
            </Menu>
          </>
        }
      >
        {e.description && <p className="break-words">{e.description}</p>}
        <p className="mt-1 flex flex-wrap items-center gap-x-2 gap-y-1 text-ink-3">
          <Badge tone={old ? "info" : "ok"}>version {e.version}</Badge>
          <span>
            by {e.author}, <Ago at={e.updatedAt} />
          </span>
          {e.note && <span className="break-words">· {e.note}</span>}
          <span>· owned by {e.owner}</span>
        </p>
      </PageHeader>
      {open === "import" && <ImportDialog environment={e} onSaved={onSaved} onClose={close} />}
      {open === "describe" && <Describe environment={e} onSaved={onSaved} onClose={close} />}
      <Confirm
        open={open === "delete"}
        onOpenChange={close}
        title={`Delete environment ${e.name}`}
        verb="Delete environment"
        danger
        typeName={e.name}
        run={async () => {
          await ok(
            api.DELETE("/api/v1/environments/{environment}", {
              params: { path: { environment: e.name }, header: { "Idempotency-Key": newKey() } },
            }),
          );
          toast(`${e.name} is deleted.`);
          router.push(hrefs.environments());
        }}
      >
        <p>
          All its versions go, and its secrets and files are removed from the database: nobody can bring them back. What runs
          keeps what it was started with. An environment that a sandbox uses or a snapshot needs is not deleted.
        </p>
      </Confirm>
    </>
  );
}

function Describe({
  environment,
  onSaved,
  onClose,
}: {
  environment: Environment;
  onSaved: (now: Environment) => void;
  onClose: () => void;
}) {
  const [text, setText] = useState(environment.description ?? "");
  return (
    <ChangeDialog
      environment={environment}
      title="Edit description"
      description="Makes no new version: services get nothing else."
      onSaved={onSaved}
      onClose={onClose}
      change={() => ({ description: text.trim() })}
      noNote
    >
      <Field label="What it is for">
        <Textarea className="font-sans text-sm" value={text} onChange={(ev) => setText(ev.target.value)} rows={3} />
      </Field>
    </ChangeDialog>
  );
}
