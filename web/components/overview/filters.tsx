"use client";

import { LayoutGrid, List, Search, SlidersHorizontal, X } from "lucide-react";
import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { Select } from "@/components/ui/field";
import { cn } from "@/lib/cn";
import { me, sorts, stateGroups, type choicesOf, type Query } from "./filter";

interface Props {
  query: Query;
  set: (changes: Partial<Query>) => void;
  leaveSearch: () => void;
  choices: ReturnType<typeof choicesOf>;
  user: string;
}

/** Filters is search, filters, order and view. On a phone all but the search fold into one button. */
export function Filters({ query, set, leaveSearch, choices, user }: Props) {
  const [open, setOpen] = useState(false);
  const panel = useId();
  const used = [query.owner, query.service, query.branch, query.state].filter(Boolean).length;
  const others = choices.owners.filter((o) => o !== user);
  return (
    <search className="space-y-2">
      <div className="flex gap-2">
        <SearchBox value={query.q} onChange={(q) => set({ q })} onLeave={leaveSearch} />
        <Button className="sm:hidden" aria-expanded={open} aria-controls={panel} onClick={() => setOpen(!open)}>
          <SlidersHorizontal aria-hidden className="size-4" /> Filters{used > 0 && <span className="tabular-nums">({used})</span>}
        </Button>
        <div role="group" aria-label="View" className="hidden rounded-md border bg-surface p-0.5 sm:flex">
          <ViewButton label="Cards" on={query.view !== "rows"} choose={() => set({ view: "" })}>
            <LayoutGrid aria-hidden className="size-4" />
          </ViewButton>
          <ViewButton label="Rows" on={query.view === "rows"} choose={() => set({ view: "rows" })}>
            <List aria-hidden className="size-4" />
          </ViewButton>
        </div>
      </div>
      <div id={panel} className={cn("grid-cols-2 gap-2 sm:grid sm:grid-cols-5", open ? "grid" : "hidden")}>
        <Choice label="Owner" value={query.owner} onChange={(owner) => set({ owner })} any="Everybody's">
          {user && <option value={me}>Mine ({user})</option>}
          <Options values={others} chosen={query.owner === me ? "" : query.owner} />
        </Choice>
        <Choice label="Service" value={query.service} onChange={(service) => set({ service })} any="Any service">
          <Options values={choices.services} chosen={query.service} />
        </Choice>
        <Choice label="Branch" value={query.branch} onChange={(branch) => set({ branch })} any="Any branch">
          <Options values={choices.branches} chosen={query.branch} />
        </Choice>
        <Choice label="State" value={query.state} onChange={(state) => set({ state })} any="Any state">
          {stateGroups.map((g) => (
            <optgroup key={g.label} label={g.label}>
              {g.states.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </optgroup>
          ))}
        </Choice>
        <Choice label="Sort" value={query.sort} onChange={(sort) => set({ sort })}>
          {sorts.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </Choice>
        <Button className="sm:hidden" onClick={() => set({ view: query.view === "rows" ? "" : "rows" })}>
          {query.view === "rows" ? (
            <>
              <LayoutGrid aria-hidden className="size-4" /> Show cards
            </>
          ) : (
            <>
              <List aria-hidden className="size-4" /> Show rows
            </>
          )}
        </Button>
      </div>
    </search>
  );
}

function ViewButton({ label, on, choose, children }: { label: string; on: boolean; choose: () => void; children: ReactNode }) {
  return (
    <button
      type="button"
      aria-pressed={on}
      aria-label={label}
      title={label}
      onClick={choose}
      className={cn("grid w-8 place-items-center rounded text-ink-3 hover:text-ink", on && "bg-sunken text-ink")}
    >
      {children}
    </button>
  );
}

function Choice({
  label,
  value,
  onChange,
  any,
  children,
}: {
  label: string;
  value: string;
  onChange: (v: string) => void;
  any?: string;
  children: ReactNode;
}) {
  return (
    <Select
      aria-label={label}
      value={value}
      onChange={(e) => onChange(e.target.value)}
      className={cn("min-w-0", value && any && "border-accent bg-accent-soft text-accent-text")}
    >
      {any && <option value="">{any}</option>}
      {children}
    </Select>
  );
}

/** Options also lists what is chosen and is not there any more, so that the box says what it filters by. */
function Options({ values, chosen }: { values: string[]; chosen: string }) {
  const all = chosen && !values.includes(chosen) ? [chosen, ...values] : values;
  return all.map((v) => (
    <option key={v} value={v}>
      {v}
    </option>
  ));
}

const settle = 250; // milliseconds without a key before the address follows: browsers limit how often it may change

/** SearchBox answers to every key at once and writes the address when the typing pauses. "/" leads to it. */
function SearchBox({ value, onChange, onLeave }: { value: string; onChange: (q: string) => void; onLeave: () => void }) {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focus = (e: KeyboardEvent) => {
      const at = e.target as HTMLElement;
      if (
        e.key !== "/" ||
        e.ctrlKey ||
        e.metaKey ||
        e.altKey ||
        at.closest("input, textarea, select, [contenteditable], [role=dialog]")
      )
        return;
      e.preventDefault();
      box.current?.focus();
    };
    document.addEventListener("keydown", focus);
    return () => document.removeEventListener("keydown", focus);
  }, []);
  return (
    <div className="relative min-w-0 flex-1">
      <Search aria-hidden className="pointer-events-none absolute top-2.5 left-3 size-4 text-ink-3" />
      <input
        ref={box}
        type="search"
        aria-label="Search sandboxes"
        placeholder="Search name, service, branch, commit, owner"
        value={value}
        onChange={(e) => onChange(e.target.value)}
        onBlur={onLeave}
        onKeyDown={(e) => {
          if (e.key === "Escape") onChange("");
        }}
        autoComplete="off"
        spellCheck={false}
        className="h-9 w-full rounded-md border border-line-strong/60 bg-surface pr-9 pl-9 text-sm placeholder:text-ink-3 [&::-webkit-search-cancel-button]:hidden"
      />
      {value ? (
        <button
          type="button"
          aria-label="Clear the search"
          onClick={() => {
            onChange("");
            box.current?.focus();
          }}
          className="absolute top-1.5 right-1.5 grid size-6 place-items-center rounded text-ink-3 hover:bg-sunken hover:text-ink"
        >
          <X aria-hidden className="size-4" />
        </button>
      ) : (
        <kbd
          aria-hidden
          className="pointer-events-none absolute top-2 right-2 hidden rounded border bg-sunken px-1.5 font-mono text-xs text-ink-3 sm:block"
        >
          /
        </kbd>
      )}
    </div>
  );
}

/**
 * useSearch keeps what is typed at hand and brings it into the address a little later. The address may show an old text
 * while more is typed: only a text that was not written here, such as that of a link or of Back, replaces what is typed. Whoever leaves the box
 * may be about to follow a link, and a change of the address then would take that back: leave writes it before.
 */
export function useSearch(inAddress: string, write: (q: string) => void) {
  const [text, setText] = useState(inAddress);
  const [seen, setSeen] = useState(inAddress);
  const [written, setWritten] = useState<string[]>([]); // on their way into the address
  if (seen !== inAddress) {
    const at = written.lastIndexOf(inAddress);
    setSeen(inAddress);
    setWritten(written.slice(at + 1));
    if (at < 0) {
      setText(inAddress);
      setWritten([]);
    }
  }
  const due = useRef<{ q: string; timer: ReturnType<typeof setTimeout> }>(undefined);
  useEffect(() => () => clearTimeout(due.current?.timer), []);
  const leave = () => {
    if (!due.current) return;
    const { q, timer } = due.current;
    clearTimeout(timer);
    due.current = undefined;
    setWritten((w) => [...w, q]);
    write(q);
  };
  const change = (typed: string) => {
    setText(typed);
    clearTimeout(due.current?.timer);
    due.current = { q: typed.trim(), timer: setTimeout(leave, typed ? settle : 0) };
  };
  return [text, change, leave] as const;
}
