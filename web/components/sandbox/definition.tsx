"use client";

import { Download, FileCode } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { CopyButton } from "@/components/ui/copy";
import { Skeleton } from "@/components/ui/empty";
import { Checkbox } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { api, ok } from "@/lib/api";
import { ofSandbox } from "@/lib/concerns";
import { useResource } from "@/lib/live";
import { sandboxFile } from "@/lib/sandbox-file";

/** Definition exports a sandbox as the sandbox.yaml that the command line plans and applies. */
export function Definition({ sandbox, services }: { sandbox: string; services: string }) {
  const [open, setOpen] = useState(false);
  const [pinned, setPinned] = useState(false);
  const spec = useResource(
    open ? `definition/${sandbox}/${pinned}` : null,
    (signal) =>
      ok(api.GET("/api/v1/sandboxes/{name}/definition", { params: { path: { name: sandbox }, query: { pinned } }, signal })),
    ofSandbox(sandbox),
  );
  const text = spec.data && sandboxFile(spec.data);
  return (
    <Card
      title="Definition"
      actions={
        !open && (
          <Button size="small" onClick={() => setOpen(true)}>
            <FileCode aria-hidden className="size-3.5" /> Show sandbox.yaml
          </Button>
        )
      }
    >
      <p className="max-w-prose text-ink-2">
        All of {sandbox} as one file: {services}, settings, environment; secrets are never part of it. Keep it in git, change it,
        and apply it to this sandbox or to another one.
      </p>
      {open && (
        <div className="mt-3 space-y-3">
          <Checkbox
            label="Stay at the commits that run"
            hint="Else services follow their branches to the newest commit."
            checked={pinned}
            onChange={(e) => setPinned(e.target.checked)}
          />
          <ProblemBox problem={spec.problem} />
          {!text && !spec.problem && <Skeleton lines={6} />}
          {text && <CodeBlock text={text} file="sandbox.yaml" label={`Definition of ${sandbox}`} />}
          <p className="max-w-prose text-xs text-ink-3">
            <code className="font-mono">sdp plan -f sandbox.yaml</code> says what it would change,{" "}
            <code className="font-mono">sdp apply -f sandbox.yaml</code> does it, and{" "}
            <code className="font-mono">sdp sandbox export {sandbox}</code> prints this file.
          </p>
        </div>
      )}
    </Card>
  );
}

/** CodeBlock shows a file to copy or to download. */
export function CodeBlock({ text, file, label }: { text: string; file: string; label: string }) {
  const download = () => {
    const url = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
    const a = document.createElement("a");
    a.href = url;
    a.download = file;
    a.click();
    setTimeout(() => URL.revokeObjectURL(url));
  };
  return (
    <div className="overflow-hidden rounded-lg border">
      <div className="flex items-center justify-between gap-2 border-b bg-sunken px-3 py-1">
        <span className="font-mono text-xs text-ink-2">{file}</span>
        <span className="flex gap-1">
          <CopyButton words text={text} />
          <Button look="quiet" size="small" onClick={download}>
            <Download aria-hidden className="size-3.5" /> Download
          </Button>
        </span>
      </div>
      <pre
        tabIndex={0}
        role="region"
        aria-label={label}
        className="max-h-[28rem] overflow-auto bg-surface p-3 font-mono text-xs leading-5"
      >
        {text}
      </pre>
    </div>
  );
}
