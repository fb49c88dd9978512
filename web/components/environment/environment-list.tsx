"use client";

import { Plus, Search, SlidersHorizontal } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/card";
import { CopyButton } from "@/components/ui/copy";
import { Empty, Skeleton } from "@/components/ui/empty";
import { Ago } from "@/components/ui/facts";
import { Field, Input } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { all, api, ok, type Schemas } from "@/lib/api";
import { plural } from "@/lib/format";
import { useResource } from "@/lib/live";
import { hrefs } from "@/lib/routes";
import { useQuery } from "@/lib/use-query";
import { CreateDialog } from "./create-dialog";

type Summary = Schemas["EnvironmentSummary"];

/** EnvironmentList shows all environments. */
export function EnvironmentList() {
  const { values, set } = useQuery("search");
  const [creating, setCreating] = useState(false);
  const list = useResource(
    "environments",
    (signal) => all((cursor) => ok(api.GET("/api/v1/environments", { params: { query: { cursor, limit: 200 } }, signal }))),
    (e) => e.topic.startsWith("environment/") || e.topic.startsWith("sandbox/"),
  );
  const needle = values.search.toLowerCase();
  const shown = list.data?.filter((e) => [e.name, e.description ?? "", e.owner].some((t) => t.toLowerCase().includes(needle)));
  const create = (
    <Button look="primary" onClick={() => setCreating(true)}>
      <Plus aria-hidden className="size-4" /> New environment
    </Button>
  );
  return (
    <>
      <PageHeader title="Environments" actions={create}>
        Variables, secrets and files that services of a sandbox get when they are deployed.
      </PageHeader>
      <ProblemBox problem={list.problem} className="mb-4" />
      {list.loading && <Skeleton lines={5} />}
      {list.data?.length === 0 && (
        <Empty icon={SlidersHorizontal} title="No environment yet" action={<>{create}</>}>
          <p>
            Make one with what your services need to start, such as a log level and a database password, then name it in a
            sandbox. Later changes make versions that can be compared.
          </p>
          <p className="mt-2 inline-flex max-w-full items-center gap-1">
            <code className="min-w-0 rounded bg-sunken px-2 py-1 text-left font-mono text-xs wrap-anywhere">
              sdp env import dev .env --create
            </code>
            <CopyButton text="sdp env import dev .env --create" label="Copy the command" />
          </p>
        </Empty>
      )}
      {list.data && list.data.length > 0 && (
        <>
          <div className="relative mb-4 max-w-md">
            <Search aria-hidden className="pointer-events-none absolute top-2.5 left-3 size-4 text-ink-3" />
            <Field label="Search environments" hideLabel>
              <Input
                type="search"
                className="pl-9"
                placeholder="Search environments"
                value={values.search}
                onChange={(e) => set({ search: e.target.value })}
              />
            </Field>
          </div>
          {shown?.length === 0 ? (
            <Empty title="Nothing matches" action={<Button onClick={() => set({ search: "" })}>Clear the search</Button>} />
          ) : (
            <Rows list={shown ?? []} />
          )}
        </>
      )}
      {creating && <CreateDialog onClose={() => setCreating(false)} />}
    </>
  );
}

function Rows({ list }: { list: Summary[] }) {
  return (
    <ul className="divide-y rounded-xl border bg-surface">
      {list.map((e) => (
        <li
          key={e.name}
          className="relative grid gap-x-6 gap-y-1.5 px-4 py-3 first:rounded-t-xl last:rounded-b-xl hover:bg-sunken/60 md:grid-cols-[minmax(0,2fr)_minmax(0,1.4fr)_9rem_9rem] md:items-center"
        >
          <div className="min-w-0">
            <Link
              prefetch={false}
              href={hrefs.environment(e.name)}
              className="font-medium wrap-anywhere text-ink after:absolute after:inset-0 hover:underline"
            >
              {e.name}
            </Link>
            <Badge className="ml-2 align-middle">version {e.version}</Badge>
            {e.description && <p className="mt-0.5 line-clamp-2 break-words text-ink-2">{e.description}</p>}
          </div>
          <p className="text-ink-2">
            {[plural(e.variables, "variable"), plural(e.secrets, "secret"), plural(e.files, "file")].join(" · ")}
          </p>
          <p className={e.sandboxes > 0 ? "text-ink" : "text-ink-3"}>
            {e.sandboxes > 0 ? `used by ${plural(e.sandboxes, "sandbox", "sandboxes")}` : "not used"}
          </p>
          <p className="text-ink-3 md:text-right">
            changed <Ago at={e.updatedAt} />
            <span className="block text-xs">owned by {e.owner}</span>
          </p>
        </li>
      ))}
    </ul>
  );
}
