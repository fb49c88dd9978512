"use client";

import { Camera } from "lucide-react";
import { useMemo } from "react";
import { Button, ButtonLink } from "@/components/ui/button";
import { Card, PageHeader } from "@/components/ui/card";
import { Empty, Skeleton } from "@/components/ui/empty";
import { Field, Input, Select } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { all, api, ok } from "@/lib/api";
import { ofSandbox } from "@/lib/concerns";
import { plural } from "@/lib/format";
import { useResource } from "@/lib/live";
import { hrefs } from "@/lib/routes";
import { useQuery } from "@/lib/use-query";
import { SnapshotList } from "./snapshot-list";

/** SnapshotsPage lists the snapshots of all sandboxes, those of deleted ones too. */
export function SnapshotsPage() {
  const { values, set } = useQuery("sandbox", "q");
  const snapshots = useResource(
    "snapshots",
    (signal) => all((cursor) => ok(api.GET("/api/v1/snapshots", { params: { query: { cursor, limit: 100 } }, signal }))),
    (e) => ofSandbox()(e) || e.topic === "audit",
  );
  const list = snapshots.data;
  const names = useMemo(
    () => [...new Set([...(list ?? []).map((s) => s.sandbox), ...(values.sandbox ? [values.sandbox] : [])])].sort(),
    [list, values.sandbox],
  );
  const wanted = values.q.trim().toLowerCase();
  const shown = list?.filter(
    (s) =>
      (!values.sandbox || s.sandbox === values.sandbox) &&
      (!wanted || `${s.name} ${s.description ?? ""} ${s.author} ${s.sandbox} ${s.id}`.toLowerCase().includes(wanted)),
  );
  return (
    <>
      <PageHeader title="Snapshots">
        How sandboxes were at some moment: to compare with, and to go back to. A snapshot outlives its sandbox.
      </PageHeader>
      <ProblemBox problem={snapshots.problem} className="mb-4" />
      {!list && !snapshots.problem && <Skeleton lines={6} />}
      {list?.length === 0 && (
        <Empty
          icon={Camera}
          title="No snapshot yet"
          action={
            <ButtonLink look="primary" href={hrefs.overview()}>
              Choose a sandbox
            </ButtonLink>
          }
        >
          Open a sandbox and press <b>Take snapshot</b>. It holds the commit and image of each service, routes, variables, secrets
          and limits; later you can compare, go back, or make a new sandbox of it, even when the branch is long gone.
        </Empty>
      )}
      {list && shown && list.length > 0 && (
        <>
          <div className="mb-4 grid gap-3 sm:flex sm:items-end">
            <Field label="Search" className="sm:w-64">
              <Input
                type="search"
                placeholder="Name, description, author"
                value={values.q}
                onChange={(e) => set({ q: e.target.value })}
              />
            </Field>
            <Field label="Sandbox" className="sm:w-56">
              <Select value={values.sandbox} onChange={(e) => set({ sandbox: e.target.value })}>
                <option value="">All sandboxes</option>
                {names.map((n) => (
                  <option key={n}>{n}</option>
                ))}
              </Select>
            </Field>
            <p className="text-xs text-ink-3 sm:ml-auto sm:pb-2">
              {shown.length === list.length
                ? plural(list.length, "snapshot")
                : `${shown.length} of ${plural(list.length, "snapshot")}`}
            </p>
          </div>
          {shown.length === 0 ? (
            <Empty
              icon={Camera}
              title="No snapshot matches"
              action={<Button onClick={() => set({ q: "", sandbox: "" })}>Show all</Button>}
            />
          ) : (
            <Card flush>
              <SnapshotList showSandbox snapshots={shown} onChanged={() => void snapshots.reload()} />
            </Card>
          )}
        </>
      )}
    </>
  );
}
