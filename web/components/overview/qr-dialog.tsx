"use client";

import { encode } from "uqr";
import { useMemo } from "react";
import { CopyButton } from "@/components/ui/copy";
import { Dialog } from "@/components/ui/dialog";
import { External } from "@/components/ui/facts";

/** QrDialog shows a URL as a code that a phone's camera reads. */
export default function QrDialog({ name, url, onClose }: { name: string; url: string; onClose: () => void }) {
  const { size, path } = useMemo(() => drawn(url), [url]);
  const here = ["127.0.0.1", "localhost", "[::1]"].includes(new URL(url).hostname);
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={`${name} on a phone`}
      description="Point the camera at it. The phone has to be in a network that reaches this address."
    >
      <div className="flex flex-col items-center gap-4">
        {/* Black on white in the dark theme too: many cameras do not read it the other way round. */}
        <svg
          role="img"
          aria-label={`QR code of ${url}`}
          viewBox={`0 0 ${size} ${size}`}
          shapeRendering="crispEdges"
          className="w-full max-w-72 rounded-lg bg-white"
        >
          <path d={path} fill="#000" />
        </svg>
        <p className="flex max-w-full items-center gap-1">
          <External href={url} className="truncate font-mono text-sm">
            {url}
          </External>
          <CopyButton text={url} label="Copy the URL" />
        </p>
        {here && (
          <p className="rounded-lg bg-warn-soft px-3 py-2 text-warn-text">
            This address works on the machine that runs SDP only. Start it with{" "}
            <code className="font-mono text-xs">sdp up --address HOST</code>, HOST being a name or address that phones reach.
          </p>
        )}
      </div>
    </Dialog>
  );
}

/** drawn returns the dark squares as one path, with the quiet zone of four squares that the standard asks for. */
function drawn(url: string) {
  const { size, data } = encode(url, { ecc: "M", border: 4 });
  const path = data.flatMap((line, y) => line.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return { size, path };
}
