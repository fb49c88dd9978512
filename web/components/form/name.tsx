"use client";

import { Field, Input } from "@/components/ui/field";

interface NameFieldProps {
  label: string;
  value: string;
  onChange: (name: string) => void;
  /** The longest the API takes. */
  max?: number;
  hint?: string;
  autoFocus?: boolean;
}

/** validName is the API's rule for names of sandboxes, snapshots and templates. */
export function validName(name: string, max = 30): boolean {
  return name.length <= max && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name);
}

/** NameField takes a name that will be part of addresses: small letters, digits and dashes. */
export function NameField({ label, value, onChange, max = 30, hint, autoFocus }: NameFieldProps) {
  const rule = `Small letters, digits and dashes, up to ${max} characters.`;
  return (
    <Field label={label} hint={hint ?? rule} error={value && !validName(value, max) ? rule : undefined}>
      <Input
        className="font-mono"
        value={value}
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        autoFocus={autoFocus}
        onChange={(e) => onChange(e.target.value.toLowerCase().replaceAll(/\s/g, "-"))}
      />
    </Field>
  );
}
