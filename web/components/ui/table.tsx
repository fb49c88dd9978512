import type { ReactNode, TdHTMLAttributes } from "react";
import { cn } from "@/lib/cn";

/**
 * Table is a table that scrolls sideways in its own box where the screen is narrow; give phone a list of cards instead
 * where rows have many columns.
 */
export function Table({ label, head, children, className }: { label: string; head: ReactNode[]; children: ReactNode; className?: string }) {
  return (
    <div role="region" aria-label={label} tabIndex={0} className={cn("relative overflow-x-auto", className)}>
      <table className="w-full text-left">
        <caption className="sr-only">{label}</caption>
        <thead>
          <tr className="border-b text-xs text-ink-3">
            {head.map((h, i) => (
              <th key={i} scope="col" className="px-4 py-2 font-medium whitespace-nowrap">{h || <span className="sr-only">Actions</span>}</th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y">{children}</tbody>
      </table>
    </div>
  );
}

export function Td({ className, mono, ...rest }: TdHTMLAttributes<HTMLTableCellElement> & { mono?: boolean }) {
  return <td className={cn("px-4 py-2.5 align-top", mono && "font-mono text-xs", className)} {...rest} />;
}
