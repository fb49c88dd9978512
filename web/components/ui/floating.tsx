"use client";

import * as Popover from "@radix-ui/react-popover";
import { useCallback, useState } from "react";
import { cn } from "@/lib/cn";

/**
 * Floating is what opens below or above its trigger, wherever the window has room for it. It has no portal: within a dialog
 * its list must scroll, and the dialog holds wheel, touch and focus outside itself. It is fixed to the window, so that no
 * box that scrolls cuts it off; a box around it must have no transform and be no container (@container), which would take the
 * window's place. A list in it should be no higher than listHeight.
 *
 * It stays on the side where it opens: a list that typing makes shorter would otherwise change sides under the finger.
 *
 * @param id what its trigger names in aria-controls
 */
export function Floating({ id, className, ...rest }: Popover.PopoverContentProps & { id: string }) {
  const [side, setSide] = useState<"top" | "bottom">("bottom");
  const decide = useCallback(
    (content: HTMLDivElement | null) => {
      const trigger = document.querySelector(`[aria-controls="${CSS.escape(id)}"]`);
      if (content && trigger) setSide(roomierSide(trigger.getBoundingClientRect()));
    },
    [id],
  );
  return (
    <Popover.Content
      ref={decide}
      id={id}
      side={side}
      align="start"
      sideOffset={4}
      collisionPadding={8}
      className={cn(
        "group/floating z-50 w-(--radix-popover-trigger-width) max-w-[calc(100vw-1rem)] overflow-hidden rounded-lg border bg-raised shadow-xl",
        className,
      )}
      {...rest}
    />
  );
}

const highest = 23.5 * 16; // pixels: the highest list, the line to type in and the distances

// Below, unless there is too little room and more above.
function roomierSide(trigger: DOMRect): "top" | "bottom" {
  const below = window.innerHeight - trigger.bottom;
  return below < highest && trigger.top > below ? "top" : "bottom";
}

/**
 * The height of a list in it, below a line to type in: what the window has room for. Above its trigger the list keeps that
 * height, or its first line would move with every letter.
 */
export const listHeight = cn(
  "max-h-[max(6rem,min(20rem,calc(var(--radix-popover-content-available-height)-2.5rem)))]",
  "group-data-[side=top]/floating:h-80",
);
