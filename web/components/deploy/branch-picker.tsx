"use client";

import * as Popover from "@radix-ui/react-popover";
import { Command } from "cmdk";
import { Check, ChevronsUpDown, GitBranch, GitCommitHorizontal, RotateCw } from "lucide-react";
import { useId, useMemo, useState } from "react";
import { Button } from "@/components/ui/button";
import { Floating, listHeight } from "@/components/ui/floating";
import { ProblemBox } from "@/components/ui/problem";
import { api, ok, type Schemas } from "@/lib/api";
import { cn } from "@/lib/cn";
import { ago, plural, shortSHA, time } from "@/lib/format";
import { useNow, useResource } from "@/lib/live";
import { isCommit } from "@/lib/revision";

type Branch = Schemas["Branch"];

interface BranchPickerProps {
  /** Its branches are offered; "" offers none. */
  repository: string;
  /** A branch, or with allowCommit a full commit (isCommit tells which); "" for none. */
  value: string;
  onChange: (value: string) => void;
  /** A pasted full commit is taken too. */
  allowCommit?: boolean;
  disabled?: boolean;
  placeholder?: string;
  id?: string;
  "aria-label"?: string;
  "aria-describedby"?: string;
  "aria-invalid"?: boolean;
}

const most = 80; // branches offered at once; typing narrows them down

/** BranchPicker picks one of the branches the git server has right now, newest commit first. */
export function BranchPicker({
  repository,
  value,
  onChange,
  allowCommit,
  disabled,
  placeholder = "Choose a branch",
  ...aria
}: BranchPickerProps) {
  const [open, setOpen] = useState(false);
  const listId = useId();
  const branches = useBranches(repository);
  const chosen = branches.data?.find((b) => b.name === value);
  const choose = (v: string) => {
    onChange(v);
    setOpen(false);
  };
  return (
    <div className="min-w-0 space-y-2">
      <Popover.Root open={open} onOpenChange={setOpen}>
        <Popover.Trigger asChild>
          <button
            type="button"
            role="combobox"
            aria-haspopup="dialog"
            aria-controls={listId}
            aria-expanded={open}
            disabled={disabled || !repository}
            {...aria}
            className="flex min-h-9 w-full items-center justify-between gap-2 rounded-md border border-line-strong/60 bg-surface px-3 py-1.5 text-left text-sm disabled:opacity-60 aria-invalid:border-bad"
          >
            {value ? <Chosen value={value} branch={chosen} /> : <span className="truncate text-ink-3">{placeholder}</span>}
            <ChevronsUpDown aria-hidden className="size-4 shrink-0 text-ink-3" />
          </button>
        </Popover.Trigger>
        <Floating id={listId} aria-label="Branches" className="min-w-72">
          <BranchList
            branches={branches.data}
            value={value}
            allowCommit={allowCommit}
            onChoose={choose}
            failed={!!branches.problem}
          />
        </Floating>
      </Popover.Root>
      {branches.problem && (
        <ProblemBox problem={branches.problem} title="The branches could not be read">
          <Button size="small" className="mt-1" onClick={() => void branches.reload()}>
            <RotateCw aria-hidden className="size-3.5" /> Try again
          </Button>
        </ProblemBox>
      )}
    </div>
  );
}

function useBranches(repository: string) {
  return useResource(repository ? `branches/${repository}` : null, async (signal) => {
    const page = await ok(api.GET("/api/v1/repositories/{repository}/branches", { params: { path: { repository } }, signal }));
    return (page.items ?? []).toSorted((a, b) => (time(b.committedAt) ?? 0) - (time(a.committedAt) ?? 0));
  });
}

function Chosen({ value, branch }: { value: string; branch: Branch | undefined }) {
  const Icon = isCommit(value) ? GitCommitHorizontal : GitBranch;
  return (
    <span className="flex min-w-0 items-center gap-2">
      <Icon aria-hidden className="size-4 shrink-0 text-ink-3" />
      <span className="max-w-full shrink-0 truncate font-mono text-xs">{isCommit(value) ? shortSHA(value) : value}</span>
      {branch && (
        <span className="min-w-0 truncate text-xs text-ink-3">
          {shortSHA(branch.sha)}
          {branch.subject && ` ${branch.subject}`}
        </span>
      )}
    </span>
  );
}

interface BranchListProps {
  branches: Branch[] | undefined;
  value: string;
  allowCommit?: boolean;
  failed: boolean;
  onChoose: (v: string) => void;
}

function BranchList({ branches, value, allowCommit, failed, onChoose }: BranchListProps) {
  const [typed, setTyped] = useState("");
  const now = useNow(30_000);
  const found = useMemo(() => matching(branches ?? [], typed), [branches, typed]);
  const commit = typed.trim().toLowerCase();
  return (
    <Command label="Search branches" loop shouldFilter={false}>
      <Command.Input
        autoFocus
        value={typed}
        onValueChange={setTyped}
        placeholder={allowCommit ? "Branch, author, or a full commit" : "Branch or author"}
        className="h-9 w-full border-b bg-transparent px-3 text-sm outline-none placeholder:text-ink-3"
      />
      <Command.List className={cn("overflow-y-auto p-1", listHeight)}>
        {!branches && !failed && (
          <Command.Loading>
            <p className="px-3 py-4 text-ink-3">Asking the git server …</p>
          </Command.Loading>
        )}
        {allowCommit && isCommit(commit) && (
          <Command.Item value={`commit ${commit}`} onSelect={() => onChoose(commit)} className={item}>
            <GitCommitHorizontal aria-hidden className="mt-0.5 size-4 shrink-0" />
            <span className="min-w-0">
              Stay at commit <span className="font-mono text-xs">{shortSHA(commit)}</span>
            </span>
          </Command.Item>
        )}
        {found.slice(0, most).map((b) => (
          <Command.Item key={b.name} value={b.name} onSelect={() => onChoose(b.name)} className={item}>
            <Check aria-hidden className={cn("mt-0.5 size-4 shrink-0", b.name !== value && "invisible")} />
            <span className="min-w-0 flex-1">
              <span className="block font-mono text-xs leading-5 wrap-anywhere">{b.name}</span>
              {b.subject && <span className="block truncate text-xs">{b.subject}</span>}
              <span className="block text-xs break-words text-ink-3">
                <span className="font-mono">{shortSHA(b.sha)}</span>
                {b.author && ` · ${b.author}`}
                {b.committedAt && ` · ${ago(b.committedAt, now)}`}
              </span>
            </span>
          </Command.Item>
        ))}
        {found.length > most && (
          <p className="px-3 py-2 text-xs text-ink-3">
            {plural(found.length - most, "more branch", "more branches")}: type to narrow down.
          </p>
        )}
        {(branches || failed) && found.length === 0 && !(allowCommit && isCommit(commit)) && (
          <p role="status" className="px-3 py-4 text-ink-3">
            {failed
              ? "The git server could not be asked."
              : branches?.length
                ? "No branch matches."
                : "The repository has no branch."}
            {allowCommit && " A commit needs all 40 digits."}
          </p>
        )}
      </Command.List>
    </Command>
  );
}

const item = "flex cursor-pointer items-start gap-2 rounded-md px-2.5 py-1.5 data-[selected=true]:bg-sunken";

/** matching keeps the branches in which every typed word occurs: in the name, the author, the subject or the commit. */
function matching(branches: Branch[], typed: string): Branch[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return branches;
  return branches.filter((b) => {
    const text = `${b.name} ${b.author ?? ""} ${b.subject ?? ""} ${b.sha}`.toLowerCase();
    return words.every((w) => text.includes(w));
  });
}
