"use client";

import { QrCode } from "lucide-react";
import { useMemo, useState } from "react";
import { encode } from "uqr";
import { Button } from "./button";
import { CopyButton } from "./copy";
import { Dialog } from "./dialog";

const quiet = 2; // modules of white around the code, without which cameras do not find it

/** QR draws text as a QR code: black on white in both themes, because that is what cameras read. */
export function QR({ text, label, className }: { text: string; label: string; className?: string }) {
  const { path, size } = useMemo(() => draw(text), [text]);
  return (
    <svg role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`} shapeRendering="crispEdges" className={className}>
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

function draw(text: string) {
  const code = encode(text, { border: quiet, ecc: "M" });
  let path = "";
  code.data.forEach((row, y) =>
    row.forEach((dark, x) => {
      if (dark) path += `M${x} ${y}h1v1h-1z`;
    }),
  );
  return { path, size: code.size };
}

/** QRButton shows an address as a QR code, for the camera of a phone. of names whose address it is. */
export function QRButton({ url, of, small }: { url: string; of: string; small?: boolean }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button
        look="quiet"
        size="icon"
        className={small ? "size-7" : ""}
        aria-label={`QR code of ${of}`}
        title="QR code for a phone"
        onClick={() => setOpen(true)}
      >
        <QrCode aria-hidden className="size-3.5" />
      </Button>
      <Dialog
        open={open}
        onOpenChange={setOpen}
        title={`Open ${of} on a phone`}
        description="Point the camera of a phone in the same network at it."
      >
        <div className="flex flex-col items-center gap-3">
          <QR text={url} label={`QR code of ${url}`} className="w-64 max-w-full rounded-lg" />
          <p className="flex max-w-full items-center gap-1">
            <span className="min-w-0 font-mono text-xs wrap-anywhere">{url}</span>
            <CopyButton text={url} label={`Copy ${url}`} />
          </p>
        </div>
      </Dialog>
    </>
  );
}
