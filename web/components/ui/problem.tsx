import { CircleAlert } from "lucide-react";
import type { ReactNode } from "react";
import type { Problem } from "@/lib/api";
import { cn } from "@/lib/cn";
import { Remedy } from "./remedy";

/**
 * ProblemBox shows what went wrong, the facts and what to do about it, as the API's problem+json says it. It is
 * announced to screen readers.
 */
export function ProblemBox({
  problem,
  title,
  className,
  children,
}: {
  problem: Problem | undefined;
  title?: string;
  className?: string;
  children?: ReactNode;
}) {
  if (!problem) return null;
  return (
    <div role="alert" className={cn("flex gap-3 rounded-lg border border-bad/40 bg-bad-soft p-3 text-bad-text", className)}>
      <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0 flex-1 space-y-1 break-words">
        <p className="font-semibold">{title ?? problem.title}</p>
        <p>{problem.detail}</p>
        {problem.errors?.map((e, i) => (
          <p key={i}>
            {e.location && <code className="font-mono text-xs">{e.location}</code>} {e.message}
          </p>
        ))}
        <Remedy remedy={problem.remedy} command={problem.command} />
        {children}
      </div>
    </div>
  );
}
