"use client";

import { Eraser, Route } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Field, Input, Select } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { api, ok, type Schemas } from "@/lib/api";
import { useAction } from "@/lib/live";
import type { ServiceNode } from "../topology/model";
import { TraceResult } from "./trace-result";

type Trace = Schemas["Trace"];
type Method = NonNullable<Schemas["TraceRequest"]["method"]>;

interface TraceCardProps {
  sandbox: Schemas["Sandbox"];
  nodes: ServiceNode[];
  /** A service to suggest a path for, where the router chooses by path. */
  example: string | undefined;
  trace: Trace | undefined;
  onTrace: (trace: Trace | undefined) => void;
}

/** TraceCard sends a request through the sandbox and shows every hop: who really answered, with which commit. */
export function TraceCard({ sandbox, nodes, example, trace, onTrace }: TraceCardProps) {
  const [method, setMethod] = useState<Method>("GET");
  const [path, setPath] = useState(!sandbox.gateway && example ? `/${example}/` : "/");
  const send = useAction(async () => {
    onTrace(undefined);
    const { name } = sandbox;
    onTrace(
      await ok(api.POST("/api/v1/sandboxes/{name}/trace", { params: { path: { name } }, body: { method, path: path.trim() } })),
    );
  });
  return (
    <section aria-label="Trace">
      <Card
        title="Trace a request"
        actions={
          trace && (
            <Button size="small" look="quiet" onClick={() => onTrace(undefined)}>
              <Eraser aria-hidden className="size-3.5" /> Clear
            </Button>
          )
        }
      >
        <form
          className="flex flex-wrap items-end gap-2"
          onSubmit={(e) => {
            e.preventDefault();
            void send.act();
          }}
        >
          <Field label="Method" className="w-28">
            <Select value={method} onChange={(e) => setMethod(e.target.value as Method)}>
              <option>GET</option>
              <option>HEAD</option>
              <option>OPTIONS</option>
            </Select>
          </Field>
          <Field label="Path" className="min-w-40 flex-1">
            <Input
              value={path}
              onChange={(e) => setPath(e.target.value)}
              required
              className="font-mono"
              autoCapitalize="none"
              autoComplete="off"
              spellCheck={false}
            />
          </Field>
          <Button type="submit" look="primary" busy={send.busy} disabled={sandbox.state !== "ACTIVE" || sandbox.deleting}>
            {!send.busy && <Route aria-hidden className="size-4" />} Trace
          </Button>
        </form>
        <ProblemBox problem={send.problem} className="mt-3" />
        {trace ? (
          <TraceResult trace={trace} nodes={nodes} />
        ) : (
          <p className="mt-3 text-ink-2">
            Sends one real request to {sandbox.url || "the sandbox"} and shows hop by hop which container or environment answered
            it, and with which commit. Its road lights up in the picture.
          </p>
        )}
      </Card>
    </section>
  );
}
