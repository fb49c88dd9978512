import { CornerDownRight } from "lucide-react";
import { CopyButton } from "./copy";

/** Remedy says what to do about what went wrong, with the command line of it, if there is one, to be copied. */
export function Remedy({ remedy, command }: { remedy?: string; command?: string }) {
  if (!remedy) return null;
  return (
    <div className="flex gap-1.5 font-medium">
      <CornerDownRight aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0 flex-1 break-words">
        <p>
          <span className="sr-only">What to do: </span>
          {remedy}
        </p>
        {command && (
          <p className="mt-1 flex w-fit max-w-full items-center gap-1 rounded bg-log py-0.5 pr-0.5 pl-2 text-log-ink">
            <code className="min-w-0 font-mono text-xs wrap-anywhere">{command}</code>
            <span className="[&_button]:text-log-ink [&_button:hover]:bg-white/10">
              <CopyButton text={command} label="Copy the command" />
            </span>
          </p>
        )}
      </div>
    </div>
  );
}
