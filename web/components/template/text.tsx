import { cn } from "@/lib/cn";

/** TemplateText shows a text in which ${parameter} stands out. */
export function TemplateText({ text, className }: { text: string; className?: string }) {
  const parts = text.split(/(\$?\$\{[^}]*\})/g);
  return (
    <span className={cn("font-mono text-xs wrap-anywhere", className)}>
      {parts.map((p, i) =>
        p.startsWith("${") ? (
          <mark key={i} className="rounded bg-accent-soft px-1 text-accent-text">
            {p}
          </mark>
        ) : (
          p
        ),
      )}
    </span>
  );
}
