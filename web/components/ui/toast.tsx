"use client";

import { CircleCheck, TriangleAlert, X } from "lucide-react";
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from "react";
import { Button } from "./button";

interface Toast {
  id: number;
  text: ReactNode;
  tone: Tone;
}

/** What was done as asked, or what nobody here asked for, which stays longer. */
type Tone = "ok" | "warn";

const ToastContext = createContext<(text: ReactNode, tone?: Tone) => void>(() => {});

let newest = 0;
const stays: Record<Tone, number> = { ok: 6000, warn: 30_000 }; // milliseconds

/** ToastProvider shows what was done, at the edge of the page, for a while. Problems are shown where they arise. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const drop = useCallback((id: number) => setToasts((all) => all.filter((t) => t.id !== id)), []);
  const show = useCallback(
    (text: ReactNode, tone: Tone = "ok") => {
      const id = ++newest;
      setToasts((all) => [...all.slice(-2), { id, text, tone }]);
      setTimeout(() => drop(id), stays[tone]);
    },
    [drop],
  );
  const list = useMemo(() => toasts, [toasts]);
  return (
    <ToastContext value={show}>
      {children}
      <div
        aria-live="polite"
        role="status"
        className="pointer-events-none fixed inset-x-3 bottom-3 z-60 flex flex-col items-end gap-2"
      >
        {list.map((t) => (
          <div
            key={t.id}
            className="pointer-events-auto flex max-w-full items-center gap-2 rounded-lg border bg-raised py-1.5 pr-1.5 pl-3 shadow-xl"
          >
            {t.tone === "ok" ? (
              <CircleCheck aria-hidden className="size-4 shrink-0 text-ok" />
            ) : (
              <TriangleAlert aria-hidden className="size-4 shrink-0 text-warn" />
            )}
            <span className="min-w-0 break-words">{t.text}</span>
            <Button look="quiet" size="icon" className="size-7" aria-label="Dismiss" onClick={() => drop(t.id)}>
              <X aria-hidden className="size-3.5" />
            </Button>
          </div>
        ))}
      </div>
    </ToastContext>
  );
}

/** useToast returns a function that says briefly what was done. */
export function useToast() {
  return useContext(ToastContext);
}
