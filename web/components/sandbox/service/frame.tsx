"use client";

import { X } from "lucide-react";
import { useEffect, useRef, type ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { Sheet } from "@/components/ui/sheet";
import { useMedia } from "@/lib/use-media";

/**
 * ServiceFrame holds what is shown of the chosen service: beside the picture where there is room for both, else in a
 * sheet over it.
 */
export function ServiceFrame({
  name,
  onClose,
  children,
}: {
  name: string | undefined;
  onClose: () => void;
  children: ReactNode;
}) {
  const beside = useMedia("(min-width: 88rem)");
  if (!name) return null;
  if (beside)
    return (
      <Beside key={name} name={name} onClose={onClose}>
        {children}
      </Beside>
    );
  return (
    <Sheet open onOpenChange={(o) => !o && onClose()} title={name}>
      {children}
    </Sheet>
  );
}

function Beside({ name, onClose, children }: { name: string; onClose: () => void; children: ReactNode }) {
  const frame = useRef<HTMLElement>(null);
  // The panel is what was asked for, so the focus goes there; closing gives it back.
  useEffect(() => frame.current?.focus({ preventScroll: true }), []);
  const close = () => {
    onClose();
    document.querySelector<HTMLElement>(`[data-service="${CSS.escape(name)}"]`)?.focus();
  };
  return (
    <section
      ref={frame}
      tabIndex={-1}
      aria-label={name}
      className="sticky top-18 flex max-h-[calc(100dvh-6rem)] w-96 shrink-0 flex-col rounded-xl border bg-surface outline-none"
      onKeyDown={(e) => {
        // Not what a dialog opened from here means by it.
        if (e.key === "Escape" && frame.current?.contains(e.target as Node)) close();
      }}
    >
      <header className="flex min-h-12 items-center justify-between gap-2 border-b px-4 py-2">
        <h2 className="min-w-0 text-sm font-semibold break-words">{name}</h2>
        <Button look="quiet" size="icon" className="-mr-2 size-8" aria-label={`Close ${name}`} onClick={close}>
          <X aria-hidden className="size-4" />
        </Button>
      </header>
      <div className="min-h-0 overflow-y-auto p-4">{children}</div>
    </section>
  );
}
