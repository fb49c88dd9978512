"use client";

import { useState } from "react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Ago } from "@/components/ui/facts";
import { bytes } from "@/lib/format";
import { kinds, type Image } from "./words";

const page = 100; // images shown before one asks for more

/** ImageList lists images: name, kind, size and what needs them. */
export function ImageList({ images }: { images: Image[] }) {
  const [shown, setShown] = useState(page);
  return (
    <>
      <ul aria-label="Images" className="divide-y rounded-xl border bg-surface">
        {images.slice(0, shown).map((i) => (
          <Row key={i.node + i.id + (i.name ?? "")} image={i} />
        ))}
      </ul>
      {images.length > shown && (
        <div className="mt-3 text-center">
          <Button onClick={() => setShown(shown + page)}>Show more of {images.length}</Button>
        </div>
      )}
      <dl className="mt-4 grid gap-x-6 gap-y-1 text-xs text-ink-3 sm:grid-cols-2">
        {Object.entries(kinds)
          .filter(([k]) => images.some((i) => i.kind === k))
          .map(([k, { words, tone }]) => (
            <div key={k} className="flex items-start gap-2">
              <dt>
                <Badge tone={tone}>{k}</Badge>
              </dt>
              <dd className="min-w-0">{words}</dd>
            </div>
          ))}
      </dl>
    </>
  );
}

function Row({ image: i }: { image: Image }) {
  const kind = kinds[i.kind];
  return (
    <li className="grid grid-cols-[minmax(0,1fr)_auto] gap-x-4 gap-y-1 px-4 py-2.5 lg:grid-cols-[minmax(0,2fr)_6rem_5.5rem_minmax(0,2fr)]">
      <div className="min-w-0">
        <p className="font-mono text-xs font-medium wrap-anywhere">
          {i.name ?? <span className="text-ink-3">no name: {shortID(i.id)}</span>}
        </p>
        <p className="text-xs text-ink-3">
          {i.node}
          {i.createdAt && (
            <>
              , made <Ago at={i.createdAt} />
            </>
          )}
        </p>
      </div>
      <p className="text-right lg:order-none lg:text-left">
        <Badge tone={kind.tone} title={kind.words}>
          {i.kind}
        </Badge>
      </p>
      <p className="order-last text-right tabular-nums lg:order-none">{bytes(i.size)}</p>
      <p className="min-w-0 text-xs break-words text-ink-2">
        {i.neededBy.length > 0 ? (
          <>
            <span className="text-ink-3">needed by </span>
            {i.neededBy.join(", ")}
          </>
        ) : i.kind === "base" || i.kind === "shared" ? (
          <span className="text-ink-3">nothing of ours needs it; SDP does not remove it</span>
        ) : (
          <span className="text-warn-text">nothing needs it: a prune removes it</span>
        )}
      </p>
    </li>
  );
}

export const shortID = (id: string) => id.replace(/^sha256:/, "").slice(0, 12);
