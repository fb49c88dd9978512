"use client";

import { useState } from "react";
import { NameField, validName } from "@/components/form/name";
import { pairsOf, valuesOf } from "@/components/form/pairs";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field, Input, Textarea } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { api, newKey, ok } from "@/lib/api";
import { useAction, useResource } from "@/lib/live";
import { useAbout } from "@/components/shell/session";
import { draftOf, emptyDraft, freeName, memberError, parametersOf, type Spec, type Template } from "./model";
import { newParameter, ParametersEdit } from "./parameters-edit";
import { SpecEdit } from "./spec-edit";

interface EditorProps {
  /** The template that is changed; absent = a new one. */
  template?: Template;
  onClose: () => void;
  onSaved: (t: Template) => void;
}

/** TemplateEditor writes a template: what is asked for, and the definition that uses it, as a form or as JSON. */
export function TemplateEditor({ template, onClose, onSaved }: EditorProps) {
  const about = useAbout();
  const [draft, setDraft] = useState(() => (template ? draftOf(template) : emptyDraft));
  const [variables, setVariables] = useState(() => pairsOf(draft.spec.variables));
  const [json, setJSON] = useState<string>(); // the definition as text, while it is edited as such
  const repositories = useResource("repositories", (signal) => ok(api.GET("/api/v1/repositories", { signal })));
  const parsed = json === undefined ? { spec: { ...draft.spec, variables: orNone(valuesOf(variables)) } } : parse(json);
  const spec = parsed.spec ?? draft.spec;

  const save = useAction(async () => {
    const header = { "Idempotency-Key": newKey() };
    const body = { description: draft.description || undefined, parameters: parametersOf(draft.parameters), spec };
    onSaved(
      template
        ? await ok(api.PUT("/api/v1/templates/{template}", { params: { path: { template: template.name }, header }, body }))
        : await ok(api.POST("/api/v1/templates", { params: { header }, body: { ...body, name: draft.name } })),
    );
  });
  const parameterize = (wanted: string, value: string) => {
    const name = freeName(
      wanted,
      draft.parameters.map((p) => p.name),
    );
    setDraft((d) => ({ ...d, parameters: [...d.parameters, newParameter(name, value || undefined)] }));
    return `\${${name}}`;
  };
  const toForm = () => {
    if (!parsed.spec) return;
    setDraft({ ...draft, spec: parsed.spec });
    setVariables(pairsOf(parsed.spec.variables));
    setJSON(undefined);
  };
  const ready = (template || validName(draft.name, 40)) && parsed.spec;
  return (
    <Dialog
      wide
      open
      onOpenChange={onClose}
      title={template ? `Edit template ${template.name}` : "New template"}
      description="It is checked when it is saved. Sandboxes that were made from it do not change."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="template" look="primary" busy={save.busy} disabled={!ready}>
            {template ? "Save template" : "Create template"}
          </Button>
        </>
      }
    >
      <form
        id="template"
        className="space-y-6"
        onSubmit={(e) => {
          e.preventDefault();
          if (ready) void save.act();
        }}
      >
        <div className="grid gap-3 sm:grid-cols-2">
          {!template && (
            <NameField label="Name" max={40} value={draft.name} onChange={(name) => setDraft({ ...draft, name })} autoFocus />
          )}
          <Field label="Description" hint="What it is for: people choose by it." error={memberError(save.problem, "description")}>
            <Input
              value={draft.description}
              maxLength={500}
              onChange={(e) => setDraft({ ...draft, description: e.target.value })}
            />
          </Field>
        </div>
        <section aria-labelledby="definition" className="space-y-3">
          <div className="flex flex-wrap items-center justify-between gap-2">
            <h3 id="definition" className="text-sm font-semibold">
              The sandbox that is made
            </h3>
            {json === undefined ? (
              <Button size="small" look="quiet" onClick={() => setJSON(JSON.stringify(spec, null, 2))}>
                Edit as JSON: labels and limits too
              </Button>
            ) : (
              <Button size="small" look="quiet" disabled={!parsed.spec} onClick={toForm}>
                Edit as a form
              </Button>
            )}
          </div>
          {json === undefined ? (
            <SpecEdit
              spec={draft.spec}
              onChange={(s) => setDraft((d) => ({ ...d, spec: s }))}
              parameterize={parameterize}
              repositories={repositories.data?.items ?? []}
              environments={about?.environments ?? []}
              variables={variables}
              onVariables={setVariables}
              problem={save.problem}
            />
          ) : (
            <Field
              label="Definition as JSON"
              error={parsed.error}
              hint="As the API takes it: services, gateway, environment, variables, labels, limits. Texts may hold ${parameter}."
            >
              <Textarea className="min-h-72" value={json} onChange={(e) => setJSON(e.target.value)} />
            </Field>
          )}
        </section>
        <ParametersEdit
          parameters={draft.parameters}
          onChange={(parameters) => setDraft({ ...draft, parameters })}
          spec={spec}
          problem={save.problem}
        />
        <ProblemBox problem={repositories.problem} />
        <ProblemBox problem={save.problem} />
      </form>
    </Dialog>
  );
}

function orNone(values: Record<string, string>) {
  return Object.keys(values).length > 0 ? values : undefined;
}

function parse(text: string): { spec?: Spec; error?: string } {
  try {
    const spec: unknown = JSON.parse(text);
    if (typeof spec !== "object" || spec === null || Array.isArray(spec))
      return { error: 'A definition is an object: { "services": { ... } }' };
    return { spec: spec as Spec };
  } catch (e) {
    return { error: `This is not JSON yet: ${e instanceof Error ? e.message : String(e)}` };
  }
}
