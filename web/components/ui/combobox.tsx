"use client";

import * as Popover from "@radix-ui/react-popover";
import { Command } from "cmdk";
import { Check, ChevronsUpDown } from "lucide-react";
import { useId, useState, type ReactNode } from "react";
import { cn } from "@/lib/cn";
import { Floating, listHeight } from "./floating";

export interface Choice {
  value: string;
  /** What is searched, besides the value. */
  keywords?: string[];
  label?: ReactNode;
  detail?: ReactNode;
}

interface ComboboxProps {
  id?: string;
  "aria-describedby"?: string;
  "aria-label"?: string;
  value: string;
  onChange: (value: string) => void;
  choices: Choice[];
  placeholder: string;
  /** What is said when nothing matches. */
  none?: ReactNode;
  loading?: boolean;
  disabled?: boolean;
  onOpen?: () => void;
}

/** Combobox picks one of many by typing. Inside a Field it is found by the field's label. */
export function Combobox({
  value,
  onChange,
  choices,
  placeholder,
  none = "Nothing matches.",
  loading,
  disabled,
  onOpen,
  ...aria
}: ComboboxProps) {
  const [open, setOpen] = useState(false);
  const listId = useId();
  const chosen = choices.find((c) => c.value === value);
  return (
    <Popover.Root
      open={open}
      onOpenChange={(o) => {
        setOpen(o);
        if (o) onOpen?.();
      }}
    >
      <Popover.Trigger asChild>
        <button
          type="button"
          role="combobox"
          aria-haspopup="dialog"
          aria-controls={listId}
          aria-expanded={open}
          disabled={disabled}
          {...aria}
          className="flex h-9 w-full items-center justify-between gap-2 rounded-md border border-line-strong/60 bg-surface px-3 text-left text-sm disabled:opacity-60"
        >
          <span className={cn("truncate", !value && "text-ink-3")}>{chosen?.label ?? (value || placeholder)}</span>
          <ChevronsUpDown aria-hidden className="size-4 shrink-0 text-ink-3" />
        </button>
      </Popover.Trigger>
      <Floating id={listId} aria-label={placeholder} className="min-w-64">
        <Command label="Search" loop>
          <Command.Input
            autoFocus
            placeholder="Type to search"
            className="h-9 w-full border-b bg-transparent px-3 text-sm outline-none placeholder:text-ink-3"
          />
          <Command.List className={cn("overflow-y-auto p-1", listHeight)}>
            {loading ? (
              <Command.Loading>
                <p className="px-3 py-4 text-ink-3">Loading …</p>
              </Command.Loading>
            ) : (
              <Command.Empty className="px-3 py-4 text-ink-3">{none}</Command.Empty>
            )}
            {choices.map((c) => (
              <Command.Item
                key={c.value}
                value={c.value}
                keywords={c.keywords}
                onSelect={() => {
                  onChange(c.value);
                  setOpen(false);
                }}
                className="flex cursor-pointer items-start gap-2 rounded-md px-2.5 py-1.5 data-[selected=true]:bg-sunken"
              >
                <Check aria-hidden className={cn("mt-0.5 size-4 shrink-0", c.value !== value && "invisible")} />
                <span className="min-w-0 flex-1">
                  <span className="block wrap-anywhere">{c.label ?? c.value}</span>
                  {c.detail && <span className="block text-xs break-words text-ink-3">{c.detail}</span>}
                </span>
              </Command.Item>
            ))}
          </Command.List>
        </Command>
      </Floating>
    </Popover.Root>
  );
}
