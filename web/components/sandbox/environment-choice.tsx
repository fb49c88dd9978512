"use client";

import Link from "next/link";
import { useState } from "react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, Facts } from "@/components/ui/card";
import { Dialog } from "@/components/ui/dialog";
import { Field, Select } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { useToast } from "@/components/ui/toast";
import { all, api, newKey, ok, type Schemas } from "@/lib/api";
import { ago, plural } from "@/lib/format";
import { useAction, useResource } from "@/lib/live";
import { hrefs } from "@/lib/routes";

type Sandbox = Schemas["Sandbox"];

/** EnvironmentChoice says which environment a sandbox takes, in which version, and changes it. */
export function EnvironmentChoice({ sandbox, onChanged }: { sandbox: Sandbox; onChanged: () => void }) {
  const [open, setOpen] = useState(false);
  const { environment, environmentVersion } = sandbox;
  const now = useResource(
    environment ? `environment/${environment}/${environmentVersion ?? "newest"}` : null,
    (signal) =>
      ok(
        api.GET("/api/v1/environments/{environment}", {
          params: { path: { environment: environment! }, query: { version: environmentVersion } },
          signal,
        }),
      ),
    (event) => event.topic === "environment/" + environment,
  );
  const e = now.data;
  return (
    <Card
      title="Environment"
      actions={
        <Button size="small" onClick={() => setOpen(true)}>
          {environment ? "Change environment" : "Choose environment"}
        </Button>
      }
    >
      {!environment && (
        <p className="text-ink-2">
          None: services find what their repositories and the sandbox itself set. An{" "}
          <Link className="text-accent-text underline" href={hrefs.environments()}>
            environment
          </Link>{" "}
          is a named set of variables, secrets and files that many sandboxes share.
        </p>
      )}
      {environment && (
        <Facts
          items={[
            [
              "Name",
              <Link
                key="n"
                className="font-medium text-accent-text underline-offset-2 hover:underline"
                href={hrefs.environment(environment)}
              >
                {environment}
              </Link>,
            ],
            [
              "Version",
              environmentVersion ? (
                <span key="v" className="inline-flex flex-wrap items-center gap-2">
                  <Badge tone="warn">pinned to {environmentVersion}</Badge>
                  {e && e.newest > environmentVersion && <span className="text-ink-2">the newest is {e.newest}</span>}
                </span>
              ) : (
                <span key="v" className="inline-flex flex-wrap items-center gap-2">
                  <Badge tone="ok">newest{e ? `, now ${e.version}` : ""}</Badge>
                  <span className="text-ink-3">at each deployment and restart</span>
                </span>
              ),
            ],
            [
              "Holds",
              e &&
                [
                  plural(Object.keys(e.variables ?? {}).length, "variable"),
                  plural(e.secretKeys?.length ?? 0, "secret"),
                  plural(e.files?.length ?? 0, "file"),
                ].join(", "),
            ],
            ["Changed", e && `${ago(e.updatedAt)} by ${e.author}`],
            ["Note", e?.note],
          ]}
        />
      )}
      <ProblemBox problem={now.problem} className="mt-3" />
      {open && <ChooseEnvironment sandbox={sandbox} onClose={() => setOpen(false)} onChanged={onChanged} />}
    </Card>
  );
}

function ChooseEnvironment({ sandbox, onClose, onChanged }: { sandbox: Sandbox; onClose: () => void; onChanged: () => void }) {
  const toast = useToast();
  const [name, setName] = useState(sandbox.environment ?? "");
  const [version, setVersion] = useState(sandbox.environmentVersion ?? 0);
  const environments = useResource("environments", (signal) =>
    all((cursor) => ok(api.GET("/api/v1/environments", { params: { query: { cursor, limit: 100 } }, signal }))),
  );
  const versions = useResource(name ? `versions/${name}` : null, (signal) =>
    all((cursor) =>
      ok(
        api.GET("/api/v1/environments/{environment}/versions", {
          params: { path: { environment: name }, query: { cursor, limit: 100 } },
          signal,
        }),
      ),
    ),
  );
  const save = useAction(async () => {
    await ok(
      api.PATCH("/api/v1/sandboxes/{name}", {
        params: { path: { name: sandbox.name }, header: { "Idempotency-Key": newKey() } },
        body: { environment: name, environmentVersion: name ? version : 0 },
      }),
    );
    toast(
      name
        ? `${sandbox.name} takes environment ${name}${version ? `, version ${version}` : ""}.`
        : `${sandbox.name} takes no environment.`,
    );
    onChanged();
    onClose();
  });
  const same = name === (sandbox.environment ?? "") && version === (sandbox.environmentVersion ?? 0);
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={`Environment of ${sandbox.name}`}
      description="Nothing is restarted: what runs keeps what it was started with until it is deployed or restarted."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="choose-environment" look="primary" busy={save.busy} disabled={same}>
            Save
          </Button>
        </>
      }
    >
      <form
        id="choose-environment"
        className="space-y-4"
        onSubmit={(e) => {
          e.preventDefault();
          void save.act();
        }}
      >
        <Field label="Environment">
          <Select
            value={name}
            onChange={(e) => {
              setName(e.target.value);
              setVersion(0);
            }}
          >
            <option value="">None</option>
            {!environments.data && name && <option value={name}>{name}</option>}
            {environments.data?.map((e) => (
              <option key={e.name} value={e.name}>
                {e.name}: {plural(e.variables, "variable")}, {plural(e.secrets, "secret")}
              </option>
            ))}
          </Select>
        </Field>
        {name && (
          <Field
            label="Version"
            hint={
              version
                ? "Pinned: newer versions do not reach this sandbox until you change this."
                : "Each deployment and restart takes the newest version there is then."
            }
          >
            <Select value={version} onChange={(e) => setVersion(Number(e.target.value))}>
              <option value={0}>Always the newest</option>
              {version !== 0 && !versions.data && <option value={version}>{version}</option>}
              {versions.data?.map((v) => (
                <option
                  key={v.version}
                  value={v.version}
                >{`Stay at ${v.version}${v.note ? `: ${v.note}` : ""} (${v.author}, ${ago(v.createdAt)})`}</option>
              ))}
            </Select>
          </Field>
        )}
        <ProblemBox problem={environments.problem ?? versions.problem} />
        <ProblemBox problem={save.problem} />
      </form>
    </Dialog>
  );
}
