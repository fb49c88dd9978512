"use client";

import { Plus, Trash2 } from "lucide-react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Checkbox, Field, Input, Textarea } from "@/components/ui/field";
import type { Problem } from "@/lib/api";
import { plural } from "@/lib/format";
import { builtIn, freeName, memberError, placeholders, type ParameterDraft, type Spec } from "./model";
import { TemplateText } from "./text";

interface ParametersProps {
  parameters: ParameterDraft[];
  onChange: (p: ParameterDraft[]) => void;
  spec: Spec;
  problem: Problem | undefined;
}

export const newParameter = (name: string, value?: string): ParameterDraft => ({
  name,
  description: "",
  default: value,
  pattern: "",
  choices: "",
});

/** ParametersEdit edits what is asked for when a sandbox is made, and says which of it the definition uses. */
export function ParametersEdit({ parameters, onChange, spec, problem }: ParametersProps) {
  const used = placeholders(spec);
  const names = parameters.map((p) => p.name);
  const undeclared = [...used.keys()].filter((n) => n && n !== builtIn && !names.includes(n));
  const put = (i: number, p: Partial<ParameterDraft>) =>
    onChange(parameters.map((old, at) => (at === i ? { ...old, ...p } : old)));
  return (
    <fieldset className="space-y-3">
      <legend className="text-sm font-semibold">Parameters</legend>
      <p className="text-xs text-ink-2">
        What is asked for when somebody makes a sandbox. The definition uses each as <TemplateText text="${name}" />;{" "}
        <TemplateText text="${sandbox}" /> is always there, the name of the sandbox that is made.
      </p>
      {parameters.map((p, i) => (
        <div key={i} className="space-y-3 rounded-lg border p-3">
          <div className="flex items-center justify-between gap-2">
            <span className="flex min-w-0 items-center gap-2">
              <TemplateText text={`\${${p.name || "name"}}`} />
              {used.get(p.name) ? (
                <span className="text-xs text-ink-3">used {plural(used.get(p.name)!, "time")}</span>
              ) : (
                <Badge tone="warn">not used yet</Badge>
              )}
            </span>
            <Button
              look="quiet"
              size="icon"
              className="size-8"
              aria-label={`Remove parameter ${p.name}`}
              onClick={() => onChange(parameters.filter((_, at) => at !== i))}
            >
              <Trash2 aria-hidden className="size-3.5" />
            </Button>
          </div>
          <div className="grid gap-3 sm:grid-cols-2">
            <Field
              label="Name"
              error={
                p.name && !/^[a-z]([a-z0-9_-]{0,38}[a-z0-9])?$/.test(p.name)
                  ? "Small letters, digits, - and _, beginning with a letter"
                  : memberError(problem, `parameters[${i}].name`)
              }
            >
              <Input
                className="font-mono"
                value={p.name}
                spellCheck={false}
                autoCapitalize="none"
                onChange={(e) => put(i, { name: e.target.value })}
              />
            </Field>
            <Field label="Description" error={memberError(problem, `parameters[${i}].description`)}>
              <Input value={p.description} maxLength={500} onChange={(e) => put(i, { description: e.target.value })} />
            </Field>
            <div className="space-y-1.5">
              <Field label="Default">
                <Input
                  className="font-mono"
                  value={p.default ?? ""}
                  disabled={p.default === undefined}
                  placeholder={p.default === undefined ? "a value must be given" : "empty"}
                  spellCheck={false}
                  autoCapitalize="none"
                  onChange={(e) => put(i, { default: e.target.value })}
                />
              </Field>
              <Checkbox
                label="A value must be given"
                className="text-xs"
                checked={p.default === undefined}
                onChange={(e) => put(i, { default: e.target.checked ? undefined : "" })}
              />
            </div>
            <Field
              label="Pattern"
              hint="A regular expression the whole value must match, such as main|feature/.+"
              error={memberError(problem, `parameters[${i}].pattern`)}
            >
              <Input
                className="font-mono"
                value={p.pattern}
                spellCheck={false}
                autoCapitalize="none"
                onChange={(e) => put(i, { pattern: e.target.value })}
              />
            </Field>
            <Field label="Choices" hint="One on each line; empty means any text." className="sm:col-span-2">
              <Textarea className="min-h-14" rows={2} value={p.choices} onChange={(e) => put(i, { choices: e.target.value })} />
            </Field>
          </div>
        </div>
      ))}
      <div className="flex flex-wrap gap-2">
        <Button size="small" onClick={() => onChange([...parameters, newParameter(freeName("branch", names))])}>
          <Plus aria-hidden className="size-3.5" /> Add parameter
        </Button>
        {undeclared.map((n) => (
          <Button key={n} size="small" look="primary" onClick={() => onChange([...parameters, newParameter(n)])}>
            Declare {n}, which the definition uses
          </Button>
        ))}
      </div>
    </fieldset>
  );
}
