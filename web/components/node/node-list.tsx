"use client";

import { ChevronRight, CircleAlert, Server } from "lucide-react";
import { useState } from "react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/card";
import { Empty, Skeleton } from "@/components/ui/empty";
import { Ago } from "@/components/ui/facts";
import { Input, Field, Select } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { api, ok } from "@/lib/api";
import { cn } from "@/lib/cn";
import { plural } from "@/lib/format";
import { useResource } from "@/lib/live";
import { useQuery } from "@/lib/use-query";
import { AddNode } from "./add-node";
import { NodeCard } from "./node-card";
import { useTick } from "@/lib/use-tick";

const pace = 10_000; // milliseconds; the load of a machine is not announced by events

/** NodeList shows the machines that build and run, and what each has left. */
export function NodeList() {
  const { values, set } = useQuery("search", "type", "state");
  const [adding, setAdding] = useState(false);
  const nodes = useResource(
    "nodes",
    (signal) => ok(api.GET("/api/v1/nodes", { signal })),
    (e) => e.topic === "nodes" || e.topic.startsWith("deployment/"),
  );
  const ports = useResource(
    "ports",
    (signal) => ok(api.GET("/api/v1/ports", { signal })),
    (e) => e.topic === "nodes" || e.topic.startsWith("sandbox/"),
  );
  useTick(pace, () => {
    void nodes.reload();
    void ports.reload();
  });
  const items = nodes.data?.items ?? [];
  const shown = items.filter(
    (n) =>
      n.name.includes(values.search.toLowerCase()) &&
      (!values.type || n.type === values.type) &&
      (!values.state || (values.state === "down" ? !n.alive : n.problems.length > 0 || !n.alive)),
  );
  const alive = items.filter((n) => n.alive).length;
  return (
    <>
      <PageHeader
        title="Nodes"
        actions={
          items.length > 0 && (
            <Button aria-expanded={adding} onClick={() => setAdding(!adding)}>
              <ChevronRight aria-hidden className={cn("size-4 transition-transform", adding && "rotate-90")} /> How to add a node
            </Button>
          )
        }
      >
        The machines that build and run branches.
        {items.length > 0 && (
          <>
            {" "}
            <Badge tone={alive === items.length ? "ok" : "bad"} dot className="ml-1">
              {alive} of {items.length} alive
            </Badge>
          </>
        )}
      </PageHeader>
      {adding && (
        <div className="mb-4">
          <AddNode />
        </div>
      )}
      <ProblemBox problem={nodes.problem ?? ports.problem} className="mb-4" />
      {nodes.loading && <Skeleton lines={8} />}
      {nodes.data && items.length === 0 && (
        <Empty icon={Server} title="No node yet">
          <p className="mb-4">A node is a machine with a worker and Docker. Until there is one, nothing can be deployed.</p>
          <div className="text-left">
            <AddNode />
          </div>
        </Empty>
      )}
      {items.length > 3 && (
        <div className="mb-4 grid grid-cols-2 gap-2 sm:flex">
          <Field label="Search nodes" hideLabel className="col-span-2 sm:w-72">
            <Input
              type="search"
              placeholder="Search nodes"
              value={values.search}
              onChange={(e) => set({ search: e.target.value })}
            />
          </Field>
          <Field label="Type" hideLabel>
            <Select value={values.type} onChange={(e) => set({ type: e.target.value })}>
              <option value="">All types</option>
              <option>MICRO</option>
              <option>GATEWAY</option>
              <option>INFRA</option>
            </Select>
          </Field>
          <Field label="State" hideLabel>
            <Select value={values.state} onChange={(e) => set({ state: e.target.value })}>
              <option value="">All states</option>
              <option value="trouble">with problems</option>
              <option value="down">not alive</option>
            </Select>
          </Field>
        </div>
      )}
      {items.length > 0 && shown.length === 0 && (
        <Empty
          icon={CircleAlert}
          title="No node matches"
          action={<Button onClick={() => set({ search: "", type: "", state: "" })}>Clear the filter</Button>}
        />
      )}
      <ul className="grid items-start gap-4 xl:grid-cols-2">
        {shown.map((n) => (
          <li key={n.name}>
            <NodeCard node={n} ports={ports.data?.items?.find((p) => p.node === n.name)} />
          </li>
        ))}
      </ul>
      {items.length > 0 && (
        <p className="mt-3 text-xs text-ink-3">
          {plural(items.length, "node")}; load and disk are read every {pace / 1000} s.{" "}
          <Newest
            at={items
              .map((n) => n.lastSeen ?? "")
              .toSorted()
              .at(-1)}
          />
        </p>
      )}
    </>
  );
}

function Newest({ at }: { at: string | undefined }) {
  return at ? (
    <>
      Last heard of one <Ago at={at} />.
    </>
  ) : null;
}
