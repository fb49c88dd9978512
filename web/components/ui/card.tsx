import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

/** Card is a titled part of a page. */
export function Card({
  title,
  actions,
  className,
  children,
  flush,
  id,
}: {
  title?: ReactNode;
  actions?: ReactNode;
  className?: string;
  children: ReactNode;
  flush?: boolean;
  id?: string;
}) {
  return (
    <section id={id} className={cn("rounded-xl border bg-surface", className)}>
      {(title || actions) && (
        <header className="flex min-h-12 flex-wrap items-center justify-between gap-2 border-b px-4 py-2">
          <h2 className="text-sm font-semibold">{title}</h2>
          {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
        </header>
      )}
      <div className={flush ? "" : "p-4"}>{children}</div>
    </section>
  );
}

/**
 * PageHeader is the head of a page: its only h1, a line below, and what can be done. It names the browser's tab too; where
 * title is more than text, tab says how.
 */
export function PageHeader({
  title,
  tab,
  children,
  actions,
}: {
  title: ReactNode;
  tab?: string;
  children?: ReactNode;
  actions?: ReactNode;
}) {
  const name = tab ?? (typeof title === "string" ? title : undefined);
  return (
    <div className="mb-5 flex flex-wrap items-start justify-between gap-x-4 gap-y-3">
      {name && <title>{`${name} · SDP`}</title>}
      <div className="min-w-0">
        <h1 className="text-xl font-semibold tracking-tight break-words">{title}</h1>
        {children && <div className="mt-1 text-ink-2">{children}</div>}
      </div>
      {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </div>
  );
}

/** Facts is a list of names and values. */
export function Facts({ items, className }: { items: [string, ReactNode][]; className?: string }) {
  return (
    <dl className={cn("grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5", className)}>
      {items
        .filter(([, v]) => v !== undefined && v !== null && v !== "")
        .map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-ink-3">{name}</dt>
            <dd className="min-w-0 break-words">{value}</dd>
          </div>
        ))}
    </dl>
  );
}
