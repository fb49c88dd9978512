"use client";

import { useState } from "react";

/**
 * useOpener returns what a dialog does when it closes: it gives the focus back to what had it before. Radix does that
 * only for dialogs with a trigger of their own, and too late where a field inside takes the focus first.
 */
export function useOpener(open: boolean): (e: globalThis.Event) => void {
  const [was, setWas] = useState(false);
  const [opener, setOpener] = useState<Element | null>(null);
  if (open !== was) {
    setWas(open);
    if (open) setOpener(document.activeElement);
  }
  return (e) => {
    if (!(opener instanceof HTMLElement) || !opener.isConnected) return;
    e.preventDefault();
    opener.focus();
  };
}
