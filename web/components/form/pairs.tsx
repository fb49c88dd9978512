"use client";

import { Plus, X } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/field";

export interface Pair {
  key: string;
  value: string;
}

export const pairsOf = (values: Record<string, string> | undefined): Pair[] =>
  Object.entries(values ?? {})
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([key, value]) => ({ key, value }));

/** valuesOf leaves out rows without a key; of two with one key the later wins. */
export const valuesOf = (pairs: Pair[]): Record<string, string> =>
  Object.fromEntries(pairs.filter((p) => p.key.trim()).map((p) => [p.key.trim(), p.value]));

interface PairsProps {
  pairs: Pair[];
  onChange: (pairs: Pair[]) => void;
  /** What a row is: "variable", "label". */
  noun: string;
  error?: (key: string) => string | undefined;
}

/** Pairs edits names and values, one row each. */
export function Pairs({ pairs, onChange, noun, error }: PairsProps) {
  const put = (i: number, p: Pair) => onChange(pairs.map((old, at) => (at === i ? p : old)));
  return (
    <div className="space-y-2">
      {pairs.map((p, i) => {
        const wrong = error?.(p.key);
        return (
          <div key={i}>
            <div className="flex items-center gap-2">
              <Input
                className="max-w-[45%] font-mono text-xs"
                aria-label={`Name of ${noun} ${i + 1}`}
                placeholder="NAME"
                spellCheck={false}
                autoCapitalize="none"
                value={p.key}
                aria-invalid={wrong ? true : undefined}
                onChange={(e) => put(i, { ...p, key: e.target.value })}
              />
              <Input
                className="font-mono text-xs"
                aria-label={`Value of ${noun} ${i + 1}`}
                placeholder="value"
                spellCheck={false}
                autoCapitalize="none"
                value={p.value}
                onChange={(e) => put(i, { ...p, value: e.target.value })}
              />
              <Button
                look="quiet"
                size="icon"
                aria-label={`Remove ${noun} ${p.key || i + 1}`}
                onClick={() => onChange(pairs.filter((_, at) => at !== i))}
              >
                <X aria-hidden className="size-4" />
              </Button>
            </div>
            {wrong && (
              <p role="alert" className="mt-1 text-xs font-medium text-bad-text">
                {wrong}
              </p>
            )}
          </div>
        );
      })}
      <Button size="small" onClick={() => onChange([...pairs, { key: "", value: "" }])}>
        <Plus aria-hidden className="size-3.5" /> Add {noun}
      </Button>
    </div>
  );
}
