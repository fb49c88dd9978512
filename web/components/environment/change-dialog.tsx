"use client";

import Link from "next/link";
import { useState, type ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field, Input } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { useToast } from "@/components/ui/toast";
import { api, asProblem, ok, type Problem } from "@/lib/api";
import { hrefs } from "@/lib/routes";
import { useSave, type Change, type Environment } from "./use-environment";

interface Props {
  environment: Environment;
  title: ReactNode;
  description?: ReactNode;
  verb?: string;
  danger?: boolean;
  wide?: boolean;
  /** For what makes no version, where a note would be lost. */
  noNote?: boolean;
  /** False while what was entered cannot be saved. */
  ready?: boolean;
  /** Reads what was entered. Secrets are read here from the form, so that no state ever holds them. */
  change: (form: HTMLFormElement) => Promise<Change> | Change;
  onSaved: (now: Environment) => void;
  onClose: () => void;
  children: ReactNode;
}

/** ChangeDialog asks for a change of an environment, and why; it refuses to overwrite what somebody else did meanwhile. */
export function ChangeDialog({
  environment,
  title,
  description,
  verb = "Save",
  danger,
  wide,
  noNote,
  ready = true,
  change,
  onSaved,
  onClose,
  children,
}: Props) {
  const { save, known, onTop } = useSave(environment);
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const toast = useToast();
  const submit = async (form: HTMLFormElement) => {
    setBusy(true);
    setProblem(undefined);
    try {
      const now = await save(await change(form), note);
      form.reset();
      toast(
        noNote
          ? `${now.name} is saved.`
          : now.version === known
            ? `Nothing changed: ${now.name} stays at version ${now.version}.`
            : `${now.name} is at version ${now.version}.`,
      );
      onSaved(now);
      onClose();
    } catch (e) {
      setProblem(asProblem(e));
      setBusy(false);
    }
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={title}
      description={description}
      wide={wide}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="change" look={danger ? "danger" : "primary"} busy={busy} disabled={!ready}>
            {verb}
          </Button>
        </>
      }
    >
      <form
        id="change"
        autoComplete="off"
        className="space-y-4"
        onSubmit={(e) => {
          e.preventDefault();
          if (ready && !busy) void submit(e.currentTarget);
        }}
      >
        {children}
        {!noNote && (
          <Field label="Note (optional)" hint="Why, for those who read the list of versions">
            <Input
              value={note}
              onChange={(e) => setNote(e.target.value)}
              maxLength={500}
              placeholder="such as: new rates for the demo"
            />
          </Field>
        )}
        {problem?.code === "environment-changed" ? (
          <Outdated
            environment={environment}
            known={known}
            onTop={(v) => {
              onTop(v);
              setProblem(undefined);
            }}
          />
        ) : (
          <ProblemBox problem={problem} />
        )}
      </form>
    </Dialog>
  );
}

/** Outdated says that somebody else was quicker, and lets one look before saving on top. */
function Outdated({ environment, known, onTop }: { environment: Environment; known: number; onTop: (version: number) => void }) {
  const [busy, setBusy] = useState(false);
  const take = async () => {
    setBusy(true);
    try {
      onTop(
        (await ok(api.GET("/api/v1/environments/{environment}", { params: { path: { environment: environment.name } } }))).newest,
      );
    } finally {
      setBusy(false);
    }
  };
  const problem: Problem = {
    title: "Somebody else changed it meanwhile",
    status: 409,
    kind: "conflict",
    code: "environment-changed",
    detail: `You began with version ${known} of ${environment.name}; there is a newer one. Nothing was saved, and what you entered is still here.`,
  };
  return (
    <ProblemBox problem={problem}>
      <div className="flex flex-wrap items-center gap-3 pt-1">
        <Link
          className="font-medium underline"
          target="_blank"
          href={`${hrefs.environment(environment.name)}&tab=versions&from=${known}`}
        >
          See what changed
        </Link>
        <Button size="small" busy={busy} onClick={() => void take()}>
          I have seen it, let me save on top
        </Button>
      </div>
    </ProblemBox>
  );
}
