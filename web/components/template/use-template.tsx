"use client";

import { ArrowLeft } from "lucide-react";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { branchOf, parameterError } from "@/components/create/spec";
import { ParameterField } from "@/components/create/template-form";
import { NameField, validName } from "@/components/form/name";
import { PlanView } from "@/components/plan/plan-view";
import { CodeBlock } from "@/components/sandbox/definition";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { ProblemBox } from "@/components/ui/problem";
import { api, newKey, ok, type Schemas } from "@/lib/api";
import { useAction, useResource } from "@/lib/live";
import { hrefs } from "@/lib/routes";
import { sandboxFile } from "@/lib/sandbox-file";
import type { Template } from "./model";

interface Preview {
  spec: Schemas["SandboxSpec"];
  plan: Schemas["Plan"];
  /** Makes asking twice harmless. */
  key: string;
}

/** UseTemplate makes a sandbox from a template: its values, then the file and the plan they make, then the sandbox. */
export function UseTemplate({ template, onClose }: { template: Template; onClose: () => void }) {
  const router = useRouter();
  const [name, setName] = useState("");
  const [values, setValues] = useState<Record<string, string>>({});
  const [asked, setAsked] = useState(false);
  const [preview, setPreview] = useState<Preview>();
  const repositories = useResource("repositories", (signal) => ok(api.GET("/api/v1/repositories", { signal })));
  const parameters = template.parameters ?? [];
  const valueOf = (p: Schemas["TemplateParameter"]) => values[p.name] ?? p.default ?? "";
  const body = { name, parameters: Object.fromEntries(Object.entries(values).filter(([, v]) => v !== "")) };
  const path = { template: template.name };

  const show = useAction(async () => {
    setAsked(true);
    if (!validName(name) || parameters.some((p) => parameterError(p, valueOf(p)))) return;
    const spec = await ok(api.POST("/api/v1/templates/{template}/render", { params: { path }, body }));
    setPreview({ spec, plan: await ok(api.POST("/api/v1/plans", { body: spec })), key: newKey() });
  });
  const make = useAction(async () => {
    const out = await ok(
      api.POST("/api/v1/templates/{template}/sandboxes", { params: { path, header: { "Idempotency-Key": preview!.key } }, body }),
    );
    onClose();
    router.push(hrefs.sandbox(out.sandbox.name));
  });
  const taken = preview && !preview.plan.new;
  const blocked = preview && (taken || (preview.plan.problems?.length ?? 0) > 0);
  return (
    <Dialog
      wide={preview !== undefined}
      open
      onOpenChange={onClose}
      title={preview ? `Plan for ${name}` : `New sandbox from ${template.name}`}
      description={
        preview
          ? "This is what will be done. Nothing has been done yet."
          : template.description || "Give it a name and its values."
      }
      footer={
        preview ? (
          <>
            <Button
              className="mr-auto"
              onClick={() => {
                setPreview(undefined);
                make.clear();
              }}
            >
              <ArrowLeft aria-hidden className="size-4" /> Change
            </Button>
            <Button look="primary" busy={make.busy} disabled={blocked} onClick={() => void make.act()}>
              Create sandbox
            </Button>
          </>
        ) : (
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button type="submit" form="use-template" look="primary" busy={show.busy}>
              Show the plan
            </Button>
          </>
        )
      }
    >
      {!preview && (
        <form
          id="use-template"
          noValidate
          className="space-y-4"
          onSubmit={(e) => {
            e.preventDefault();
            void show.act();
          }}
        >
          <NameField
            label="Name"
            value={name}
            onChange={setName}
            autoFocus
            hint={asked && !name ? "Give it a name: small letters, digits and dashes." : undefined}
          />
          {parameters.length === 0 && <p className="text-ink-3">It asks for nothing but the name.</p>}
          {parameters.map((p) => (
            <ParameterField
              key={p.name}
              parameter={p}
              complain={asked}
              repository={branchOf(template, p.name, repositories.data?.items ?? [])}
              value={valueOf(p)}
              onChange={(v) => setValues({ ...values, [p.name]: v })}
            />
          ))}
          <ProblemBox problem={repositories.problem} />
          <ProblemBox problem={show.problem} />
        </form>
      )}
      {preview && (
        <div className="space-y-5">
          {taken && (
            <ProblemBox
              problem={{
                title: "The name is taken",
                status: 409,
                code: "sandbox-exists",
                kind: "conflict",
                detail: `There is a sandbox ${name} already.`,
                remedy: "Go back and choose another name.",
              }}
            />
          )}
          <ProblemBox problem={make.problem} />
          <PlanView plan={preview.plan} />
          <details>
            <summary className="py-1 text-xs font-semibold text-ink-2">The sandbox.yaml it is made from</summary>
            <div className="mt-2">
              <CodeBlock text={sandboxFile(preview.spec)} file="sandbox.yaml" label={`Definition of ${name}`} />
            </div>
          </details>
        </div>
      )}
    </Dialog>
  );
}
