"use client";

import { History, ListFilter, X } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { Typed } from "@/components/audit/filters";
import { Button, ButtonLink } from "@/components/ui/button";
import { Card, PageHeader } from "@/components/ui/card";
import { Empty, Skeleton } from "@/components/ui/empty";
import { Field, Select } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { cn } from "@/lib/cn";
import { hrefs } from "@/lib/routes";
import { useQuery } from "@/lib/use-query";
import { HistoryRows } from "./history-rows";
import { filterNames, states, times, useHistory, whats, type HistoryFilter } from "./use-history";

/** HistoryPage lists what was deployed and done in all sandboxes, the deleted ones too, newest first. */
export function HistoryPage() {
  const { values, set } = useQuery(...filterNames);
  const [open, setOpen] = useState(false);
  const history = useHistory(values);
  const active = filterNames.filter((n) => values[n]).length;
  const clear = () => set(Object.fromEntries(filterNames.map((n) => [n, ""])) as HistoryFilter);
  const known = (of: (e: (typeof history.entries)[number]) => string | undefined) =>
    [...new Set(history.entries.map(of).filter((v): v is string => !!v))].sort();
  return (
    <>
      <PageHeader title="History">
        Deployments and operations of all sandboxes, the deleted ones too.{" "}
        <Link className="text-accent-text underline underline-offset-2" href={hrefs.audit()}>
          The audit
        </Link>{" "}
        also has what was refused.
      </PageHeader>
      <div role="search" aria-label="History" className="mb-4">
        <div className="mb-2 flex gap-2 sm:hidden">
          <Button aria-expanded={open} onClick={() => setOpen(!open)}>
            <ListFilter aria-hidden className="size-4" /> Filters{active > 0 && ` (${active})`}
          </Button>
          {active > 0 && (
            <Button look="quiet" onClick={clear}>
              <X aria-hidden className="size-4" /> Clear
            </Button>
          )}
        </div>
        <div className={cn("grid grid-cols-2 gap-2 sm:flex sm:flex-wrap sm:items-end", !open && "max-sm:hidden")}>
          <Chosen label="Show" all="Everything" options={whats} value={values.what} onChange={(what) => set({ what })} />
          <Chosen label="State" all="All states" options={states} value={values.state} onChange={(state) => set({ state })} />
          <Chosen label="Time" all="Any time" options={times} value={values.time} onChange={(time) => set({ time })} />
          <Typed
            className="sm:w-40"
            shown
            label="Sandbox"
            placeholder="All"
            value={values.sandbox}
            onChange={(sandbox) => set({ sandbox })}
            list={known((e) => e.it.sandbox)}
          />
          <Typed
            className="sm:w-36"
            shown
            label="Service"
            placeholder="All"
            value={values.service}
            onChange={(service) => set({ service })}
            list={known((e) => e.it.service)}
          />
          <Typed
            className="sm:w-40"
            shown
            label="Branch"
            placeholder="Part of its name"
            value={values.branch}
            onChange={(branch) => set({ branch })}
            list={known((e) => (e.of === "deployment" ? e.it.branch : undefined))}
          />
          <Typed
            className="sm:w-32"
            shown
            label="User"
            placeholder="Everybody"
            value={values.user}
            onChange={(user) => set({ user })}
            list={known((e) => e.it.requestedBy)}
          />
          {active > 0 && (
            <Button look="quiet" className="max-sm:hidden" onClick={clear}>
              <X aria-hidden className="size-4" /> Clear
            </Button>
          )}
        </div>
      </div>
      <ProblemBox problem={history.problem} className="mb-4" />
      {!history.read && !history.problem && <Skeleton lines={8} />}
      {history.read &&
        history.entries.length === 0 &&
        (active > 0 ? (
          <Empty icon={History} title="Nothing matches" action={<Button onClick={clear}>Clear the filters</Button>}>
            Nothing that was deployed or done has all that the filters ask for. Names of sandboxes and services are matched whole.
          </Empty>
        ) : (
          <Empty
            icon={History}
            title="Nothing happened yet"
            action={
              <ButtonLink look="primary" href={hrefs.overview()}>
                To the sandboxes
              </ButtonLink>
            }
          >
            Make a sandbox and deploy a branch: each deployment, restart, route switch, clone and restore is listed here, with how
            long it took and why it failed.
          </Empty>
        ))}
      {history.entries.length > 0 && (
        <>
          <Card flush>
            <HistoryRows showSandbox label="History" entries={history.entries} serving={history.serving} />
          </Card>
          <div className="mt-3 flex flex-wrap items-center justify-between gap-3 text-ink-3">
            <p>{history.more ? `The newest ${history.entries.length} entries` : `All ${history.entries.length} entries`}</p>
            {history.more && (
              <Button busy={history.loadingMore} onClick={history.more}>
                Load more
              </Button>
            )}
          </div>
        </>
      )}
    </>
  );
}

function Chosen({
  label,
  all,
  options,
  value,
  onChange,
}: {
  label: string;
  all: string;
  options: Record<string, string>;
  value: string;
  onChange: (v: string) => void;
}) {
  return (
    <Field label={label} className="sm:w-36">
      <Select value={value} onChange={(e) => onChange(e.target.value)}>
        <option value="">{all}</option>
        {Object.entries(options).map(([id, words]) => (
          <option key={id} value={id}>
            {words}
          </option>
        ))}
      </Select>
    </Field>
  );
}
