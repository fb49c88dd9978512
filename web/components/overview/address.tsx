"use client";

import { QrCode } from "lucide-react";
import dynamic from "next/dynamic";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { CopyButton } from "@/components/ui/copy";
import { External } from "@/components/ui/facts";
import type { Sandbox } from "./use-sandboxes";

// Few people scan a code, and everybody loads the overview.
const QrDialog = dynamic(() => import("./qr-dialog"));

/** Address is where a sandbox is reached: to open, to copy, and as a code for a phone's camera. */
export function Address({ sandbox, compact }: { sandbox: Sandbox; compact?: boolean }) {
  const [code, setCode] = useState(false);
  const { name, url } = sandbox;
  if (!url) return <span className="text-ink-3">no URL yet</span>;
  return (
    <span className="flex min-w-0 items-center">
      <External href={url} className="mr-1 truncate font-mono text-xs">
        {compact ? url.replace(/^https?:\/\//, "") : url}
      </External>
      <CopyButton text={url} label={`Copy URL of ${name}`} />
      <Button
        look="quiet"
        size="icon"
        className="size-7"
        aria-label={`QR code of ${name}`}
        title="QR code, for a phone"
        onClick={() => setCode(true)}
      >
        <QrCode aria-hidden className="size-3.5" />
      </Button>
      {code && <QrDialog name={name} url={url} onClose={() => setCode(false)} />}
    </span>
  );
}
