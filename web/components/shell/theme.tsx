"use client";

import { Moon, Sun } from "lucide-react";
import { useSyncExternalStore } from "react";
import { Button } from "@/components/ui/button";

function subscribe(changed: () => void) {
  const watch = new MutationObserver(changed);
  watch.observe(document.documentElement, { attributeFilter: ["class"] });
  return () => watch.disconnect();
}

/** ThemeButton switches between dark and light; until somebody does, the system decides (public/theme.js). */
export function ThemeButton() {
  const dark = useSyncExternalStore(
    subscribe,
    () => document.documentElement.classList.contains("dark"),
    () => false,
  );
  const change = () => {
    document.documentElement.classList.toggle("dark", !dark);
    try {
      localStorage.setItem("theme", dark ? "light" : "dark");
    } catch {
      // No storage: it holds for this page.
    }
  };
  const Icon = dark ? Sun : Moon;
  return (
    <Button look="quiet" size="icon" aria-label={dark ? "Switch to light theme" : "Switch to dark theme"} onClick={change}>
      <Icon aria-hidden className="size-4" />
    </Button>
  );
}
