"use client";

import { useEffect, useState } from "react";

const typing = 350; // milliseconds without a key before what was typed is asked for

/** useSettled returns a value once it has not changed for a moment. */
export function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const t = setTimeout(() => setSettled(value), typing);
    return () => clearTimeout(t);
  }, [value]);
  return settled;
}
