"use client";

import { CircleCheck, LoaderCircle } from "lucide-react";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field, Input } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { all, api, newKey, ok, type Schemas } from "@/lib/api";
import { plural } from "@/lib/format";
import { useAction, useResource } from "@/lib/live";
import { hrefs } from "@/lib/routes";
import { useOperation } from "@/lib/use-operation";

interface DeleteDialogProps {
  sandbox: Schemas["Sandbox"];
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** DeleteDialog deletes a sandbox once its name is typed, and follows until it is gone. */
export function DeleteDialog(props: DeleteDialogProps) {
  return props.open ? <OpenDeleteDialog {...props} /> : null;
}

function OpenDeleteDialog({ sandbox, onOpenChange }: DeleteDialogProps) {
  const router = useRouter();
  const [typed, setTyped] = useState("");
  const [id, setId] = useState<string>();
  const followed = useOperation(id, sandbox.name);
  const o = followed.operation;
  const remove = useAction(async () => {
    const operation = await ok(
      api.DELETE("/api/v1/sandboxes/{name}", {
        params: { path: { name: sandbox.name }, header: { "Idempotency-Key": newKey() } },
      }),
    );
    setId(operation.id);
  });
  const gone = o?.state === "SUCCEEDED";
  const ready = typed === sandbox.name;
  return (
    <Dialog
      open
      onOpenChange={onOpenChange}
      title={gone ? `${sandbox.name} is deleted` : id ? `Deleting ${sandbox.name}` : `Delete ${sandbox.name}?`}
      footer={
        id ? (
          <>
            <Button onClick={() => onOpenChange(false)}>{followed.done ? "Close" : "Close, it goes on"}</Button>
            {gone && (
              <Button look="primary" onClick={() => router.push(hrefs.overview())}>
                To the sandboxes
              </Button>
            )}
          </>
        ) : (
          <>
            <Button onClick={() => onOpenChange(false)}>Cancel</Button>
            <Button type="submit" form="delete-sandbox" look="danger" busy={remove.busy} disabled={!ready}>
              Delete sandbox
            </Button>
          </>
        )
      }
    >
      {!id && (
        <form
          id="delete-sandbox"
          className="space-y-4"
          onSubmit={(e) => {
            e.preventDefault();
            if (ready) void remove.act();
          }}
        >
          <WhatGoes sandbox={sandbox} />
          <Field
            label={
              <>
                Type <b className="font-mono">{sandbox.name}</b> to confirm
              </>
            }
          >
            <Input
              value={typed}
              onChange={(e) => setTyped(e.target.value)}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
            />
          </Field>
          <ProblemBox problem={remove.problem} />
        </form>
      )}
      {id && (
        <div role="status" className="space-y-3">
          {!followed.done && (
            <p className="flex items-center gap-2">
              <LoaderCircle aria-hidden className="size-4 shrink-0 animate-spin text-ink-3" />{" "}
              {o?.waitingFor ? `It waits: ${o.waitingFor}` : "Its containers and networks are being removed."}
            </p>
          )}
          {gone && (
            <p className="flex items-center gap-2">
              <CircleCheck aria-hidden className="size-4 shrink-0 text-ok" /> All of it is gone. Its history, audit and snapshots
              stay.
            </p>
          )}
          {o?.state === "CANCELLED" && <p>The deletion was cancelled; {sandbox.name} is still there.</p>}
          {o?.failure && (
            <ProblemBox title={`${sandbox.name} could not be deleted`} problem={{ title: "", status: 0, ...o.failure }} />
          )}
          <ProblemBox problem={followed.problem} />
        </div>
      )}
    </Dialog>
  );
}

function WhatGoes({ sandbox }: { sandbox: Schemas["Sandbox"] }) {
  const snapshots = useResource(`snapshots/${sandbox.name}`, (signal) =>
    all((cursor) =>
      ok(api.GET("/api/v1/snapshots", { params: { query: { sandbox: sandbox.name, cursor, limit: 100 } }, signal })),
    ),
  );
  const running = (sandbox.services ?? []).filter((s) => s.serving).map((s) => s.name);
  const secrets =
    (sandbox.secretKeys?.length ?? 0) + (sandbox.services ?? []).reduce((n, s) => n + (s.secretKeys?.length ?? 0), 0);
  const kept = snapshots.data?.filter((s) => !s.sandboxGone).length;
  return (
    <dl className="space-y-3">
      <div>
        <dt className="font-semibold text-bad-text">What goes</dt>
        <dd>
          <ul className="mt-1 list-disc space-y-0.5 pl-5">
            <li>
              {running.length > 0 ? (
                <>
                  {plural(running.length, "container")}: {running.join(", ")}
                </>
              ) : (
                "no container, because nothing runs"
              )}
            </li>
            <li>
              its address <span className="font-mono text-xs wrap-anywhere">{sandbox.url}</span>; the port is given to others
            </li>
            <li>its settings and variables{secrets > 0 && `, and ${plural(secrets, "secret")} nobody can read back`}</li>
          </ul>
        </dd>
      </div>
      <div>
        <dt className="font-semibold">What stays</dt>
        <dd>
          <ul className="mt-1 list-disc space-y-0.5 pl-5">
            <li>
              {kept === undefined
                ? "its snapshots"
                : kept === 0
                  ? "no snapshot, because none was taken: take one first if you may want it back"
                  : `${plural(kept, "snapshot")}, from which it can be made again`}
            </li>
            <li>its history and audit, and the branches on the git server</li>
          </ul>
        </dd>
      </div>
    </dl>
  );
}
