"use client";

import { ChevronRight, HardDrive, SearchX } from "lucide-react";
import { useState } from "react";
import { Snippet } from "@/components/node/add-node";
import { useTick } from "@/lib/use-tick";
import { Button } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/card";
import { Empty, Skeleton } from "@/components/ui/empty";
import { Field, Input, Select } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { api, ok } from "@/lib/api";
import { cn } from "@/lib/cn";
import { plural } from "@/lib/format";
import { useResource } from "@/lib/live";
import { useQuery } from "@/lib/use-query";
import { Disks } from "./disks";
import { ImageList } from "./image-list";
import { PruneDialog } from "./prune-dialog";
import { kinds } from "./words";

/** ImagePage shows what fills the nodes' disks, what needs it, and frees what nothing needs. */
export function ImagePage() {
  const { values, set } = useQuery("search", "node", "kind", "needed");
  const [importing, setImporting] = useState(false);
  const [pruning, setPruning] = useState<string>();
  const nodes = useResource(
    "nodes",
    (signal) => ok(api.GET("/api/v1/nodes", { signal })),
    (e) => e.topic === "nodes",
  );
  // Asking the nodes is not free: events that may have made an image, and the button of the browser, are enough.
  const images = useResource(
    "images",
    (signal) => ok(api.GET("/api/v1/images", { signal })),
    (e) => e.topic === "nodes" || e.topic.startsWith("deployment/"),
  );
  useTick(30_000, () => void nodes.reload());
  const items = images.data?.items ?? [];
  const search = values.search.toLowerCase();
  const shown = items.filter(
    (i) =>
      (!values.node || i.node === values.node) &&
      (!values.kind || i.kind === values.kind) &&
      (!values.needed || (values.needed === "yes") === i.neededBy.length > 0) &&
      [i.name ?? "", i.id, i.repository ?? "", i.sha ?? "", ...i.neededBy].some((t) => t.toLowerCase().includes(search)),
  );
  const filtered = values.search || values.node || values.kind || values.needed;
  const clear = () => set({ search: "", node: "", kind: "", needed: "" });
  return (
    <>
      <PageHeader
        title="Images and disk"
        actions={
          <Button aria-expanded={importing} onClick={() => setImporting(!importing)}>
            <ChevronRight aria-hidden className={cn("size-4 transition-transform", importing && "rotate-90")} /> How to import a
            base image
          </Button>
        }
      >
        What fills the disks of the nodes, and what each image is needed by.
      </PageHeader>
      {importing && <Importing />}
      <ProblemBox problem={nodes.problem ?? images.problem} className="mb-4" />
      {nodes.loading ? (
        <Skeleton lines={3} />
      ) : (
        <Disks
          nodes={nodes.data?.items ?? []}
          images={images.data && items}
          missing={images.data?.missing ?? []}
          onPrune={setPruning}
        />
      )}
      <div role="search" aria-label="Images" className="mt-6 mb-3 grid grid-cols-2 gap-2 sm:flex sm:flex-wrap sm:items-center">
        <Field label="Search images" hideLabel className="col-span-2 sm:w-80">
          <Input
            type="search"
            placeholder="Search: name, commit, sandbox"
            value={values.search}
            onChange={(e) => set({ search: e.target.value })}
          />
        </Field>
        <Field label="Node" hideLabel>
          <Select value={values.node} onChange={(e) => set({ node: e.target.value })}>
            <option value="">All nodes</option>
            {nodes.data?.items?.map((n) => (
              <option key={n.name}>{n.name}</option>
            ))}
          </Select>
        </Field>
        <Field label="Kind" hideLabel>
          <Select value={values.kind} onChange={(e) => set({ kind: e.target.value })}>
            <option value="">All kinds</option>
            {Object.keys(kinds).map((k) => (
              <option key={k} value={k}>
                {k}
              </option>
            ))}
          </Select>
        </Field>
        <Field label="Needed" hideLabel>
          <Select value={values.needed} onChange={(e) => set({ needed: e.target.value })}>
            <option value="">Needed or not</option>
            <option value="yes">needed</option>
            <option value="no">needed by nothing</option>
          </Select>
        </Field>
        {images.data && (
          <p className="self-center text-ink-3 sm:ml-auto">
            {shown.length === items.length
              ? plural(items.length, "image")
              : `${shown.length} of ${plural(items.length, "image")}`}
          </p>
        )}
      </div>
      {images.loading && <Skeleton lines={6} label="Asking the nodes" />}
      {images.data && items.length === 0 && (
        <Empty icon={HardDrive} title="No image yet">
          The first deployment of a branch makes one. It stays as long as something needs it, so that going back costs only a
          container start.
        </Empty>
      )}
      {items.length > 0 && shown.length === 0 && (
        <Empty icon={SearchX} title="No image matches" action={filtered && <Button onClick={clear}>Clear the filter</Button>} />
      )}
      {shown.length > 0 && <ImageList images={shown} />}
      {pruning && (
        <PruneDialog
          node={pruning}
          onClose={() => setPruning(undefined)}
          onPruned={() => {
            void images.reload();
            void nodes.reload();
          }}
        />
      )}
    </>
  );
}

function Importing() {
  return (
    <div className="mb-4 rounded-xl border bg-surface p-4">
      <p>
        SDP pulls nothing from a registry. A base image that builds need is brought to the node as a file; put its name where this
        says company/php:8.2.
      </p>
      <ol className="mt-3 list-decimal space-y-3 pl-5">
        <li>
          On a machine that has the image: <Snippet text="docker save -o image.tar company/php:8.2" />
        </li>
        <li>
          Copy the file to the node, and there: <Snippet text="sdp images import image.tar" />
        </li>
      </ol>
    </div>
  );
}
