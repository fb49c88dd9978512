"use client";

import * as Radix from "@radix-ui/react-dialog";
import { X } from "lucide-react";
import { useState, type ReactNode } from "react";
import { cn } from "@/lib/cn";
import type { Problem } from "@/lib/api";
import { useAction } from "@/lib/live";
import { useOpener } from "@/lib/use-opener";
import { Button } from "./button";
import { Field, Input } from "./field";
import { ProblemBox } from "./problem";

interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: ReactNode;
  description?: ReactNode;
  /** Buttons; on a phone they stay visible below what scrolls. */
  footer?: ReactNode;
  wide?: boolean;
  children: ReactNode;
}

/**
 * Dialog holds the focus until it is closed, and gives it back. On a phone it comes from below.
 *
 * It is centred by its margins and not by a transform: a transform would make it the frame of the lists that open within
 * it (Floating), which would then be cut off at its edge.
 */
export function Dialog({ open, onOpenChange, title, description, footer, wide, children }: DialogProps) {
  const giveBack = useOpener(open);
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-black/50" />
        <Radix.Content
          onCloseAutoFocus={giveBack}
          {...(description ? {} : { "aria-describedby": undefined })}
          className={cn(
            "fixed z-50 flex max-h-[92dvh] flex-col overflow-hidden border bg-raised shadow-2xl outline-none",
            "inset-x-0 bottom-0 rounded-t-2xl sm:inset-0 sm:m-auto sm:h-fit sm:rounded-xl",
            wide ? "sm:w-[min(60rem,94vw)]" : "sm:w-[min(34rem,94vw)]",
          )}
        >
          <header className="flex items-start justify-between gap-3 border-b px-5 py-3.5">
            <div className="min-w-0">
              <Radix.Title className="text-base font-semibold break-words">{title}</Radix.Title>
              {description && <Radix.Description className="mt-0.5 text-ink-2">{description}</Radix.Description>}
            </div>
            <Radix.Close asChild>
              <Button look="quiet" size="icon" aria-label="Close" className="-mt-1 -mr-2">
                <X aria-hidden className="size-4" />
              </Button>
            </Radix.Close>
          </header>
          <div className="min-h-0 flex-1 overflow-y-auto px-5 py-4">{children}</div>
          {footer && <footer className="flex flex-wrap justify-end gap-2 border-t px-5 py-3">{footer}</footer>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface ConfirmProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  /** What will happen, in full: what changes, what stays, what cannot be undone. */
  children: ReactNode;
  /** The verb on the button: "Delete", "Switch the route". */
  verb: string;
  danger?: boolean;
  /** For what destroys: the name that must be typed first. */
  typeName?: string;
  /** Runs on confirmation; the dialog closes when it is done and shows the problem if it fails. */
  run: () => Promise<void>;
  problem?: Problem;
}

/** Confirm says what will happen before it does. */
export function Confirm(props: ConfirmProps) {
  // The parts below start anew each time it is opened.
  return props.open ? <OpenConfirm {...props} /> : null;
}

function OpenConfirm({ open, onOpenChange, title, children, verb, danger, typeName, run, problem }: ConfirmProps) {
  const [typed, setTyped] = useState("");
  const action = useAction(async () => {
    await run();
    onOpenChange(false);
  });
  const ready = !typeName || typed === typeName;
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={title}
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button type="submit" form="confirm" look={danger ? "danger" : "primary"} busy={action.busy} disabled={!ready}>
            {verb}
          </Button>
        </>
      }
    >
      <form
        id="confirm"
        className="space-y-4"
        onSubmit={(e) => {
          e.preventDefault();
          if (ready) void action.act();
        }}
      >
        <div className="space-y-2 break-words">{children}</div>
        {typeName && (
          <Field
            label={
              <>
                Type <b className="font-mono">{typeName}</b> to confirm
              </>
            }
          >
            <Input value={typed} onChange={(e) => setTyped(e.target.value)} autoComplete="off" spellCheck={false} />
          </Field>
        )}
        <ProblemBox problem={action.problem ?? problem} />
      </form>
    </Dialog>
  );
}
