"use client";

import { LoaderCircle, WifiOff } from "lucide-react";
import { useEffect, useState } from "react";
import { useLiveState } from "@/lib/live";

const patience = 1500; // milliseconds before a lost connection is worth a line: a reconnect mostly takes less

/** ConnectionBanner says that what is shown may be old, while it may be. */
export function ConnectionBanner() {
  const state = useLiveState();
  const lost = state === "waiting" || state === "connecting";
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const t = setTimeout(() => setShown(lost), lost ? patience : 0);
    return () => clearTimeout(t);
  }, [lost]);
  return (
    <div role="status" aria-live="polite">
      {shown && (
        <p className="flex items-center justify-center gap-2 bg-warn-soft px-4 py-1.5 text-center text-warn-text">
          <WifiOff aria-hidden className="size-4 shrink-0" />
          <span>
            <b>Connection lost.</b> What you see may be old; it goes on by itself when the server is back.
          </span>
          <LoaderCircle aria-hidden className="size-4 shrink-0 animate-spin" />
        </p>
      )}
    </div>
  );
}
