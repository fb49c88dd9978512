import Link from "next/link";
import type { ButtonHTMLAttributes, ComponentProps, ReactNode } from "react";
import { LoaderCircle } from "lucide-react";
import { cn } from "@/lib/cn";

type Look = "primary" | "plain" | "quiet" | "danger";
type Size = "small" | "normal" | "icon";

const looks: Record<Look, string> = {
  primary: "bg-accent text-accent-ink hover:brightness-110 border-transparent",
  plain: "bg-surface text-ink hover:bg-sunken border-line",
  quiet: "text-ink-2 hover:bg-sunken hover:text-ink border-transparent",
  danger: "bg-surface text-bad-text hover:bg-bad-soft border-bad/50",
};
const sizes: Record<Size, string> = {
  small: "h-7 px-2.5 text-xs gap-1.5",
  normal: "h-9 px-3.5 text-sm gap-2",
  icon: "size-9 justify-center",
};

function classes(look: Look, size: Size, className?: string) {
  return cn(
    "inline-flex shrink-0 items-center justify-center rounded-md border font-medium whitespace-nowrap transition-colors select-none",
    "disabled:pointer-events-none disabled:opacity-50 aria-disabled:pointer-events-none aria-disabled:opacity-50",
    looks[look],
    sizes[size],
    className,
  );
}

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: Look;
  size?: Size;
  /** Shows that what the button started goes on; it cannot be pressed meanwhile. */
  busy?: boolean;
}

/** Button does something on this page; what leads elsewhere is a ButtonLink. size icon needs an aria-label. */
export function Button({
  look = "plain",
  size = "normal",
  busy,
  className,
  children,
  disabled,
  type = "button",
  ...rest
}: ButtonProps) {
  return (
    <button
      type={type}
      className={classes(look, size, className)}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      {...rest}
    >
      {busy && <LoaderCircle aria-hidden className="size-4 animate-spin" />}
      {children}
    </button>
  );
}

export function ButtonLink({
  look = "plain",
  size = "normal",
  className,
  ...rest
}: ComponentProps<typeof Link> & { look?: Look; size?: Size; children: ReactNode }) {
  return <Link className={classes(look, size, className)} {...rest} />;
}
