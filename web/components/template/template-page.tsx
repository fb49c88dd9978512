"use client";

import { FileCode, FileStack, Pencil, Rocket, Trash2 } from "lucide-react";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { CodeBlock } from "@/components/sandbox/definition";
import { Badge } from "@/components/ui/badge";
import { Button, ButtonLink } from "@/components/ui/button";
import { Card, PageHeader } from "@/components/ui/card";
import { Confirm } from "@/components/ui/dialog";
import { Empty, Skeleton } from "@/components/ui/empty";
import { Ago } from "@/components/ui/facts";
import { ProblemBox } from "@/components/ui/problem";
import { useToast } from "@/components/ui/toast";
import { api, newKey, ok, type Schemas } from "@/lib/api";
import { useResource } from "@/lib/live";
import { hrefs } from "@/lib/routes";
import { templateFile } from "@/lib/sandbox-file";
import type { Template } from "./model";
import { SpecView } from "./spec-view";
import { TemplateEditor } from "./template-editor";
import { UseTemplate } from "./use-template";

type Doing = "use" | "edit" | "delete";

/** TemplatePage shows what one template asks for and makes. */
export function TemplatePage({ name }: { name: string }) {
  const template = useResource(
    name ? `template/${name}` : null,
    (signal) => ok(api.GET("/api/v1/templates/{template}", { params: { path: { template: name } }, signal })),
    (e) => e.topic === "audit",
  );
  const back = (
    <ButtonLink look="primary" href={hrefs.templates()}>
      All templates
    </ButtonLink>
  );
  if (!name)
    return (
      <>
        <PageHeader title="Template" />
        <Empty icon={FileStack} title="Which template?" action={back}>
          The address names none. Choose one from the list.
        </Empty>
      </>
    );
  if (!template.data) {
    return (
      <>
        <PageHeader title={name} />
        <ProblemBox problem={template.problem}>
          {template.problem?.status === 404 && <div className="mt-2">{back}</div>}
        </ProblemBox>
        {!template.problem && <Skeleton lines={6} />}
      </>
    );
  }
  return <Known template={template.data} problem={template.problem} onSaved={template.set} />;
}

function Known({
  template: t,
  problem,
  onSaved,
}: {
  template: Template;
  problem: Schemas["Problem"] | undefined;
  onSaved: (t: Template) => void;
}) {
  const router = useRouter();
  const toast = useToast();
  const [doing, setDoing] = useState<Doing>();
  const [file, setFile] = useState(false);
  const done = () => setDoing(undefined);
  return (
    <>
      <PageHeader
        title={t.name}
        actions={
          <>
            <Button look="primary" onClick={() => setDoing("use")}>
              <Rocket aria-hidden className="size-4" /> New sandbox from this template
            </Button>
            <Button onClick={() => setDoing("edit")}>
              <Pencil aria-hidden className="size-4" /> Edit
            </Button>
            <Button look="danger" onClick={() => setDoing("delete")}>
              <Trash2 aria-hidden className="size-4" /> Delete
            </Button>
          </>
        }
      >
        {t.description && <p className="break-words">{t.description}</p>}
        <p className="text-xs text-ink-3">
          By {t.owner}, made <Ago at={t.createdAt} />, changed <Ago at={t.updatedAt} />
        </p>
      </PageHeader>
      <ProblemBox problem={problem} className="mb-4" />
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <Card title="What it asks for" flush>
          <Parameters parameters={t.parameters ?? []} />
        </Card>
        <Card title="What it makes">
          <SpecView spec={t.spec} />
        </Card>
      </div>
      <Card
        className="mt-5"
        title="As a file"
        actions={
          !file && (
            <Button size="small" onClick={() => setFile(true)}>
              <FileCode aria-hidden className="size-3.5" /> Show template.yaml
            </Button>
          )
        }
      >
        <p className="max-w-prose text-ink-2">
          Keep it in git beside the code: <code className="font-mono text-xs">sdp template update {t.name} -f template.yaml</code>{" "}
          makes the template what the file says.
        </p>
        {file && (
          <div className="mt-3">
            <CodeBlock text={templateFile(t)} file="template.yaml" label={`Template ${t.name} as a file`} />
          </div>
        )}
      </Card>
      {doing === "use" && <UseTemplate template={t} onClose={done} />}
      {doing === "edit" && (
        <TemplateEditor
          template={t}
          onClose={done}
          onSaved={(next) => {
            onSaved(next);
            toast(`Template ${next.name} is saved.`);
            done();
          }}
        />
      )}
      <Confirm
        open={doing === "delete"}
        onOpenChange={done}
        danger
        title={`Delete template ${t.name}?`}
        verb="Delete template"
        typeName={t.name}
        run={async () => {
          await ok(
            api.DELETE("/api/v1/templates/{template}", {
              params: { path: { template: t.name }, header: { "Idempotency-Key": newKey() } },
            }),
          );
          toast(`Template ${t.name} is deleted.`);
          router.push(hrefs.templates());
        }}
      >
        <p>What goes: the template, for everybody. It cannot be undone.</p>
        <p>What stays: all sandboxes that were made from it, as they are.</p>
      </Confirm>
    </>
  );
}

function Parameters({ parameters }: { parameters: Schemas["TemplateParameter"][] }) {
  if (parameters.length === 0)
    return (
      <p className="p-4 text-ink-2">
        Nothing but the name of the sandbox: every sandbox made from it is the same. Edit it to add parameters.
      </p>
    );
  return (
    <ul className="divide-y">
      {parameters.map((p) => (
        <li key={p.name} className="space-y-1 px-4 py-3">
          <p className="flex flex-wrap items-center gap-2">
            <span className="font-mono font-medium wrap-anywhere">{p.name}</span>
            {p.default === undefined ? (
              <Badge tone="info">a value must be given</Badge>
            ) : (
              <span className="min-w-0 text-xs text-ink-2">
                default <span className="font-mono wrap-anywhere">{p.default || "(empty)"}</span>
              </span>
            )}
          </p>
          {p.description && <p className="break-words text-ink-2">{p.description}</p>}
          {p.pattern && (
            <p className="text-xs text-ink-2">
              matches <span className="font-mono wrap-anywhere">{p.pattern}</span>
            </p>
          )}
          {p.choices && p.choices.length > 0 && (
            <p className="flex flex-wrap items-center gap-1.5 text-xs text-ink-2">
              one of{" "}
              {p.choices.map((c) => (
                <Badge key={c} className="font-mono">
                  {c}
                </Badge>
              ))}
            </p>
          )}
        </li>
      ))}
    </ul>
  );
}
