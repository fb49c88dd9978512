"use client";

import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { Button } from "./button";

/** CopyButton copies text, also where the page is served over plain http and the clipboard API is not there. */
export function CopyButton({
  text,
  label = "Copy",
  small = true,
  words,
}: {
  text: string | (() => string);
  label?: string;
  small?: boolean;
  words?: boolean;
}) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    const value = typeof text === "function" ? text() : text;
    if (navigator.clipboard) await navigator.clipboard.writeText(value);
    else copyOldWay(value);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  const Icon = done ? Check : Copy;
  return (
    <Button
      look="quiet"
      size={words ? "small" : "icon"}
      className={small && !words ? "size-7" : ""}
      aria-label={done ? "Copied" : label}
      title={label}
      onClick={() => void copy()}
    >
      <Icon aria-hidden className="size-3.5" />
      {words && (done ? "Copied" : label)}
    </Button>
  );
}

function copyOldWay(value: string) {
  const area = document.createElement("textarea");
  area.value = value;
  area.style.position = "fixed";
  // Inside an open dialog, because the focus may not leave it.
  (document.querySelector("[role=dialog]") ?? document.body).append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
