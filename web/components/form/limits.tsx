"use client";

import { Field, Input } from "@/components/ui/field";
import type { Schemas } from "@/lib/api";
import { memoryText, parseSize, sizeText } from "@/lib/units";

/** LimitsText are limits as they are typed; empty means none. */
export interface LimitsText {
  cpus: string;
  memory: string;
  pids: string;
}

export const limitsText = (l: Schemas["Limits"] | undefined): LimitsText => ({
  cpus: l?.cpus ? String(l.cpus) : "",
  memory: sizeText(l?.memory),
  pids: l?.pids ? String(l.pids) : "",
});

const number = (text: string) => (text.trim() ? Number(text) : undefined);

/** limitsOf reads what was typed; undefined if there is no limit. */
export function limitsOf(t: LimitsText): Schemas["Limits"] | undefined {
  const l = { cpus: number(t.cpus), memory: t.memory.trim() ? parseSize(t.memory) : undefined, pids: number(t.pids) };
  return l.cpus || l.memory || l.pids ? l : undefined;
}

/** limitsWrong says what of it cannot be a limit, by member. */
export function limitsWrong(t: LimitsText): Partial<LimitsText> {
  const wrong: Partial<LimitsText> = {};
  if (t.cpus.trim() && !(Number(t.cpus) >= 0.01)) wrong.cpus = "A number of 0.01 or more, such as 0.5";
  if (t.memory.trim() && !((parseSize(t.memory) ?? 0) >= 6 << 20)) wrong.memory = "A size of 6M or more, such as 512M or 1.5G";
  if (t.pids.trim() && !(Number.isInteger(Number(t.pids)) && Number(t.pids) >= 4)) wrong.pids = "A whole number of 4 or more";
  return wrong;
}

/** LimitsFields edits CPUs, memory and processes. */
export function LimitsFields({ value, onChange, of }: { value: LimitsText; onChange: (t: LimitsText) => void; of: string }) {
  const wrong = limitsWrong(value);
  const understood = memoryText(parseSize(value.memory));
  return (
    <fieldset className="space-y-2">
      <legend className="text-sm font-medium">{of}</legend>
      <div className="grid gap-3 sm:grid-cols-3">
        <Field label="CPUs" error={wrong.cpus}>
          <Input
            inputMode="decimal"
            placeholder="no limit"
            value={value.cpus}
            onChange={(e) => onChange({ ...value, cpus: e.target.value })}
          />
        </Field>
        <Field
          label="Memory"
          error={wrong.memory}
          hint={understood && understood !== value.memory.trim() ? understood : undefined}
        >
          <Input placeholder="no limit" value={value.memory} onChange={(e) => onChange({ ...value, memory: e.target.value })} />
        </Field>
        <Field label="Processes" error={wrong.pids}>
          <Input
            inputMode="numeric"
            placeholder="no limit"
            value={value.pids}
            onChange={(e) => onChange({ ...value, pids: e.target.value })}
          />
        </Field>
      </div>
    </fieldset>
  );
}

/** limitsLine shows limits in one line: "0.5 CPUs, 256M of memory, 200 processes". */
export function limitsLine(l: Schemas["Limits"] | undefined): string {
  const parts = [
    l?.cpus && `${l.cpus} ${l.cpus === 1 ? "CPU" : "CPUs"}`,
    l?.memory && `${memoryText(l.memory)} of memory`,
    l?.pids && `${l.pids} processes`,
  ];
  return parts.filter(Boolean).join(", ");
}
