import type { ReactNode, TdHTMLAttributes } from "react";
import { cn } from "@/lib/cn";

/** From which width of the table's container a column is shown: where there is less, it gives way to the others. */
type From = "wide" | "widest";
const shownFrom: Record<From, string> = { wide: "@max-5xl:hidden", widest: "@max-6xl:hidden" };

export interface Column {
  /** "" for a column of actions. */
  head: ReactNode;
  from?: From;
}

/**
 * Table is a table in a container (class @container). Its columns give way in order; give what is narrower than all that
 * stay a list of cards instead.
 */
export function Table({
  label,
  columns,
  children,
  className,
}: {
  label: string;
  columns: Column[];
  children: ReactNode;
  className?: string;
}) {
  return (
    <div role="region" aria-label={label} tabIndex={0} className={cn("relative overflow-x-auto", className)}>
      <table className="w-full text-left">
        <caption className="sr-only">{label}</caption>
        <thead>
          <tr className="border-b text-xs text-ink-3">
            {columns.map((c, i) => (
              <th key={i} scope="col" className={cn("px-4 py-2 font-medium whitespace-nowrap", c.from && shownFrom[c.from])}>
                {c.head || <span className="sr-only">Actions</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y">{children}</tbody>
      </table>
    </div>
  );
}

export function Td({ className, mono, from, ...rest }: TdHTMLAttributes<HTMLTableCellElement> & { mono?: boolean; from?: From }) {
  return (
    <td className={cn("px-4 py-2.5 align-top", mono && "font-mono text-xs", from && shownFrom[from], className)} {...rest} />
  );
}
