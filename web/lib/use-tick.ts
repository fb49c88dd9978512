"use client";

import { useEffect, useRef } from "react";

/** useTick calls back now and then while the page is looked at: for what no event announces. */
export function useTick(every: number, run: () => void) {
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  useEffect(() => {
    const t = setInterval(() => {
      if (document.visibilityState === "visible") latest.current();
    }, every);
    return () => clearInterval(t);
  }, [every]);
}
