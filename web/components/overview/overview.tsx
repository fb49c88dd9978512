"use client";

import { Boxes, Plus, SearchX } from "lucide-react";
import dynamic from "next/dynamic";
import { useDeferredValue, useMemo, useState } from "react";
import { useUser } from "@/components/shell/session";
import { Button } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/card";
import { Empty, Skeleton } from "@/components/ui/empty";
import { ProblemBox } from "@/components/ui/problem";
import { plural } from "@/lib/format";
import { useQuery } from "@/lib/use-query";
import { choicesOf, filtered, queryNames, sorted } from "./filter";
import { Filters, useSearch } from "./filters";
import { InProgress } from "./in-progress";
import { Nodes } from "./nodes";
import { SandboxList } from "./sandbox-list";
import { useSandboxes } from "./use-sandboxes";

const CreateDialog = dynamic(() => import("@/components/create/create-dialog"));

/** Overview is the first page: all sandboxes, what is being done, and the machines it is done on. */
export function Overview() {
  const user = useUser();
  const { items, problem, loading, reload } = useSandboxes();
  const { values, set } = useQuery(...queryNames);
  const [typed, setTyped, leaveSearch] = useSearch(values.q, (q) => set({ q }));
  const [creating, setCreating] = useState(false);

  // What is typed shows at once; the list follows when there is time.
  const { owner, service, branch, state, sort, view } = values;
  const q = useDeferredValue(typed);
  const list = useDeferredValue(items);
  const shown = useMemo(
    () => filtered(list, { q, owner, service, branch, state, sort, view }, user),
    [list, q, owner, service, branch, state, sort, view, user],
  );
  const groups = useMemo(() => sorted(shown, sort, user), [shown, sort, user]);
  const choices = useMemo(() => choicesOf(list), [list]);

  const clear = () => {
    setTyped("");
    set({ q: "", owner: "", service: "", branch: "", state: "" });
  };
  const create = (
    <Button look="primary" onClick={() => setCreating(true)}>
      <Plus aria-hidden className="size-4" /> New sandbox
    </Button>
  );
  const none = !loading && items.length === 0 && !problem;
  return (
    <>
      <PageHeader title="Sandboxes" actions={create}>
        {!loading && items.length > 0 && (
          <span role="status">
            {shown.length === items.length
              ? plural(items.length, "sandbox", "sandboxes")
              : `${shown.length} of ${plural(items.length, "sandbox", "sandboxes")}`}
          </span>
        )}
      </PageHeader>
      <div className="grid gap-5 xl:grid-cols-[minmax(0,1fr)_20rem]">
        <aside className="min-w-0 space-y-3 xl:sticky xl:top-19 xl:order-last xl:max-h-[calc(100dvh-6rem)] xl:space-y-4 xl:self-start xl:overflow-y-auto">
          <InProgress sandboxes={items} />
          <Nodes />
        </aside>
        <div className="min-w-0 space-y-4">
          {items.length > 0 && (
            <Filters
              query={{ ...values, q: typed }}
              set={(c) => (c.q === undefined ? set(c) : setTyped(c.q))}
              leaveSearch={leaveSearch}
              choices={choices}
              user={user}
            />
          )}
          <ProblemBox problem={problem}>
            <Button size="small" onClick={reload}>
              Try again
            </Button>
          </ProblemBox>
          {loading && items.length === 0 && <Skeleton lines={6} />}
          {none && <Beginning action={create} />}
          {items.length > 0 && shown.length === 0 && (
            <Empty icon={SearchX} title="No sandbox matches" action={<Button onClick={clear}>Clear all filters</Button>}>
              There are {plural(items.length, "sandbox", "sandboxes")}; the search and the filters leave none of them.
            </Empty>
          )}
          {shown.length > 0 && <SandboxList groups={groups} rows={view === "rows"} />}
        </div>
      </div>
      {creating && <CreateDialog taken={items} onClose={() => setCreating(false)} />}
    </>
  );
}

function Beginning({ action }: { action: React.ReactNode }) {
  return (
    <Empty icon={Boxes} title="There is no sandbox yet" action={action}>
      <p>
        A sandbox runs the services you changed from their branches, in containers of their own. All others are answered by OCP,
        the environment everybody shares. It gets one URL for a browser or a phone, and disturbs nobody.
      </p>
    </Empty>
  );
}
