"use client";

import { ListFilter, X } from "lucide-react";
import { useState, type ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { Field, Input, Select } from "@/components/ui/field";
import { cn } from "@/lib/cn";
import { actions, outcomes, ranges } from "./words";
import { useTyped, type Filter, type FilterName } from "./use-audit";

interface Props {
  filter: Filter;
  change: (changes: Partial<Filter>) => void;
  clear: () => void;
  active: number;
  /** What is offered while typing; anything else can be typed too. */
  known: Partial<Record<FilterName, string[]>>;
  hideSandbox: boolean;
  /** Stands at the end of the first line. */
  extra: ReactNode;
}

/** Filters is what the audit is searched by. On a phone all but the search open on demand. */
export function Filters({ filter, change, clear, active, known, hideSandbox, extra }: Props) {
  const [open, setOpen] = useState(false);
  const others = active - (filter.text ? 1 : 0);
  return (
    <div role="search" aria-label="Audit" className="mb-4 space-y-3">
      <div className="flex flex-wrap items-end gap-2">
        <Typed
          className="min-w-48 flex-1 sm:max-w-md"
          type="search"
          label="Search"
          placeholder="Search: branch, commit, reason, anything"
          value={filter.text}
          onChange={(text) => change({ text })}
        />
        <Button className="sm:hidden" aria-expanded={open} onClick={() => setOpen(!open)}>
          <ListFilter aria-hidden className="size-4" /> Filters{others > 0 && ` (${others})`}
        </Button>
        {active > 0 && (
          <Button look="quiet" className={cn(!open && "max-sm:hidden")} onClick={clear}>
            <X aria-hidden className="size-4" /> Clear
          </Button>
        )}
        <div className={cn("sm:ml-auto", !open && "max-sm:hidden")}>{extra}</div>
      </div>
      <div className={cn("grid grid-cols-2 gap-2 sm:flex sm:flex-wrap sm:items-end", !open && "max-sm:hidden")}>
        <Chosen label="Action" value={filter.action} onChange={(action) => change({ action })} className="sm:w-48">
          <option value="">All actions</option>
          {actions.map((g) => (
            <optgroup key={g.group} label={g.group}>
              {g.entries.map(([action, words]) => (
                <option key={action} value={action}>
                  {words}
                </option>
              ))}
            </optgroup>
          ))}
        </Chosen>
        <Chosen label="Outcome" value={filter.outcome} onChange={(outcome) => change({ outcome })} className="sm:w-40">
          <option value="">All outcomes</option>
          {outcomes.map((o) => (
            <option key={o} value={o}>
              {o}
            </option>
          ))}
        </Chosen>
        <Chosen
          label="Time"
          value={filter.range}
          onChange={(range) => change({ range, since: "", until: "" })}
          className="sm:w-36"
        >
          <option value="">Any time</option>
          {Object.entries(ranges).map(([id, r]) => (
            <option key={id} value={id}>
              {r.words}
            </option>
          ))}
          <option value="custom">From ... to ...</option>
        </Chosen>
        <Typed
          label="User"
          placeholder="Everybody"
          value={filter.user}
          onChange={(user) => change({ user })}
          list={known.user}
          className="sm:w-36"
          shown
        />
        {!hideSandbox && (
          <Typed
            label="Sandbox"
            placeholder="All"
            value={filter.sandbox}
            onChange={(sandbox) => change({ sandbox })}
            list={known.sandbox}
            className="sm:w-36"
            shown
          />
        )}
        <Typed
          label="Service"
          placeholder="All"
          value={filter.service}
          onChange={(service) => change({ service })}
          list={known.service}
          className="sm:w-36"
          shown
        />
        {filter.range === "custom" && (
          <>
            <Field label="From" className="max-sm:col-span-2">
              <Input
                type="datetime-local"
                value={filter.since}
                max={filter.until || undefined}
                onChange={(e) => change({ since: e.target.value })}
              />
            </Field>
            <Field label="Until" className="max-sm:col-span-2">
              <Input
                type="datetime-local"
                value={filter.until}
                min={filter.since || undefined}
                onChange={(e) => change({ until: e.target.value })}
              />
            </Field>
          </>
        )}
      </div>
    </div>
  );
}

function Chosen({
  label,
  value,
  onChange,
  className,
  children,
}: {
  label: string;
  value: string;
  onChange: (v: string) => void;
  className?: string;
  children: ReactNode;
}) {
  return (
    <Field label={label} className={className}>
      <Select value={value} onChange={(e) => onChange(e.target.value)}>
        {children}
      </Select>
    </Field>
  );
}

interface TypedProps {
  label: string;
  placeholder: string;
  value: string;
  onChange: (value: string) => void;
  list?: string[];
  type?: string;
  shown?: boolean;
  className?: string;
}

/** Typed is a box whose value counts once typing rests. */
export function Typed({ label, placeholder, value, onChange, list, type = "text", shown, className }: TypedProps) {
  const [typed, setTyped] = useTyped(value, onChange);
  const listId = `audit-known-${label.toLowerCase()}`;
  return (
    <div className={cn("min-w-0", className)}>
      <Field label={label} hideLabel={!shown}>
        <Input
          type={type}
          placeholder={placeholder}
          value={typed}
          onChange={(e) => setTyped(e.target.value)}
          list={list && listId}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
      </Field>
      {list && (
        <datalist id={listId}>
          {list.map((v) => (
            <option key={v} value={v} />
          ))}
        </datalist>
      )}
    </div>
  );
}
