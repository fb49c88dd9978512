"use client";

import { ArrowDownToLine, CaseSensitive, ChevronDown, ChevronUp, Download, Pause, WrapText, type LucideIcon } from "lucide-react";
import type { KeyboardEvent, RefObject } from "react";
import { Button } from "@/components/ui/button";
import { CopyButton } from "@/components/ui/copy";
import { Input } from "@/components/ui/field";
import { cn } from "@/lib/cn";
import type { LineSearch } from "@/lib/log-store";

interface LogToolbarProps {
  search: LineSearch;
  onSearch: (search: LineSearch) => void;
  /** Which of the lines found one is at, from 0; -1 at none yet. */
  at: number;
  hits: number;
  onMove: (by: 1 | -1) => void;
  searchRef: RefObject<HTMLInputElement | null>;
  wrap: boolean;
  onWrap: () => void;
  following: boolean;
  /** Absent where nothing more comes and the end is in sight. */
  onFollow?: (f: boolean) => void;
  copy: () => string;
  download: string;
}

/** LogToolbar is what one can do with a log. */
export function LogToolbar({
  search,
  onSearch,
  at,
  hits,
  onMove,
  searchRef,
  wrap,
  onWrap,
  following,
  onFollow,
  copy,
  download,
}: LogToolbarProps) {
  const keys = (e: KeyboardEvent) => {
    if (e.key === "Enter") {
      e.preventDefault();
      onMove(e.shiftKey ? -1 : 1);
    } else if (e.key === "Escape" && search.text) {
      e.preventDefault();
      onSearch({ ...search, text: "" });
    }
  };
  return (
    <div className="flex flex-wrap items-center gap-x-1 gap-y-1.5 border-b bg-surface px-2 py-1.5">
      <div className="flex min-w-0 flex-1 basis-64 items-center gap-1">
        <Input
          ref={searchRef}
          type="search"
          aria-label="Search the log"
          placeholder="Search the log"
          className="h-8 min-w-24 max-w-72 text-xs"
          spellCheck={false}
          value={search.text}
          onChange={(e) => onSearch({ ...search, text: e.target.value })}
          onKeyDown={keys}
        />
        <Toggle
          icon={CaseSensitive}
          label="Match case"
          on={search.matchCase}
          onClick={() => onSearch({ ...search, matchCase: !search.matchCase })}
        />
        {search.text && (
          <>
            <Icon icon={ChevronUp} label="Previous match" disabled={hits === 0} onClick={() => onMove(-1)} />
            <Icon icon={ChevronDown} label="Next match" disabled={hits === 0} onClick={() => onMove(1)} />
          </>
        )}
        <span role="status" className="shrink-0 px-1 text-xs whitespace-nowrap text-ink-2 tabular-nums">
          {search.text &&
            (hits === 0
              ? "none"
              : at < 0
                ? `${hits.toLocaleString("en")} lines`
                : `${(at + 1).toLocaleString("en")} of ${hits.toLocaleString("en")}`)}
        </span>
      </div>
      <div className="ml-auto flex items-center gap-1">
        <Toggle icon={WrapText} label="Wrap long lines" on={wrap} onClick={onWrap} />
        <CopyButton text={copy} label="Copy" small={false} />
        <Icon icon={Download} label="Download" onClick={() => save(download)} />
        {onFollow && (
          <Button size="small" look={following ? "plain" : "primary"} className="h-8 w-22" onClick={() => onFollow(!following)}>
            {following ? <Pause aria-hidden className="size-3.5" /> : <ArrowDownToLine aria-hidden className="size-3.5" />}
            {following ? "Pause" : "Follow"}
          </Button>
        )}
      </div>
    </div>
  );
}

/** save has the browser store what an address of the API answers; the API names the file. */
function save(path: string) {
  const a = document.createElement("a");
  a.href = path;
  a.download = "";
  a.click();
}

function Icon({
  icon: I,
  label,
  className,
  ...rest
}: {
  icon: LucideIcon;
  label: string;
  className?: string;
  disabled?: boolean;
  "aria-pressed"?: boolean;
  onClick: () => void;
}) {
  return (
    <Button look="quiet" size="icon" aria-label={label} title={label} className={cn("size-8", className)} {...rest}>
      <I aria-hidden className="size-4" />
    </Button>
  );
}

function Toggle({ on, ...rest }: { icon: LucideIcon; label: string; on: boolean; onClick: () => void }) {
  return <Icon {...rest} aria-pressed={on} className={on ? "bg-accent-soft text-accent-text" : undefined} />;
}
