"use client";

import { BranchPicker } from "@/components/deploy/branch-picker";
import { Field, Input, Select } from "@/components/ui/field";
import { branchOf, parameterError, type Parameter, type Repository, type Template } from "./spec";

interface Props {
  templates: Template[];
  repositories: Repository[];
  template: Template | undefined;
  onTemplate: (name: string) => void;
  values: Record<string, string>;
  onValues: (values: Record<string, string>) => void;
  /** Shows what is wrong with the values, once somebody asks for the plan. */
  complain: boolean;
}

/** TemplateForm chooses a template and what it asks for. */
export function TemplateForm({ templates, repositories, template, onTemplate, values, onValues, complain }: Props) {
  return (
    <>
      <Field label="Template" hint={template?.description} error={complain && !template ? "Choose a template." : undefined}>
        <Select value={template?.name ?? ""} onChange={(e) => onTemplate(e.target.value)}>
          <option value="" disabled>
            Choose a template
          </option>
          {templates.map((t) => (
            <option key={t.name} value={t.name}>
              {t.name}
            </option>
          ))}
        </Select>
      </Field>
      {template && (template.parameters?.length ?? 0) === 0 && <p className="text-ink-3">It asks for nothing but the name.</p>}
      {template && (
        <div className="grid gap-3 sm:grid-cols-2">
          {template.parameters?.map((p) => (
            <ParameterField
              key={`${template.name} ${p.name}`}
              parameter={p}
              repository={branchOf(template, p.name, repositories)}
              complain={complain}
              value={values[p.name] ?? p.default ?? ""}
              onChange={(v) => onValues({ ...values, [p.name]: v })}
            />
          ))}
        </div>
      )}
    </>
  );
}

interface ParameterProps {
  parameter: Parameter;
  /** The parameter is a branch of it. */
  repository: string | undefined;
  value: string;
  onChange: (v: string) => void;
  complain: boolean;
}

export function ParameterField({ parameter: p, repository, value, onChange, complain }: ParameterProps) {
  const wrong = parameterError(p, value);
  // A value that is wrong is told while typing, one that is missing only when it is needed.
  const error = wrong && (complain || value) ? wrong : undefined;
  const hint = [p.description, p.pattern && !p.choices?.length ? `matches ${p.pattern}` : ""].filter(Boolean).join("; ");
  return (
    <Field
      label={
        <>
          {p.name}
          {p.default === undefined && <span className="text-ink-3"> (needed)</span>}
        </>
      }
      hint={hint || undefined}
      error={error}
    >
      {p.choices?.length ? (
        <Select value={value} onChange={(e) => onChange(e.target.value)}>
          {!p.choices.includes(value) && <option value={value}>{value || "Choose one"}</option>}
          {p.choices.map((c) => (
            <option key={c} value={c}>
              {c}
            </option>
          ))}
        </Select>
      ) : repository ? (
        <BranchPicker repository={repository} value={value} onChange={onChange} />
      ) : (
        <Input value={value} onChange={(e) => onChange(e.target.value)} autoComplete="off" spellCheck={false} />
      )}
    </Field>
  );
}
