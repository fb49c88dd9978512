"use client";

import { useRouter } from "next/navigation";
import { useState } from "react";
import { Pairs, valuesOf, type Pair } from "@/components/form/pairs";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field, Input } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { useToast } from "@/components/ui/toast";
import { api, newKey, ok } from "@/lib/api";
import { envKey } from "@/lib/dotenv";
import { useAction } from "@/lib/live";
import { hrefs } from "@/lib/routes";

const nameRule = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/** CreateDialog makes an environment and leads to it, where secrets and files are added. */
export function CreateDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [pairs, setPairs] = useState<Pair[]>([]);
  const router = useRouter();
  const toast = useToast();
  const wrongName =
    name && !nameRule.test(name) ? "Small letters, digits and hyphens; it starts and ends with a letter or a digit" : undefined;
  const error = (key: string) =>
    key.trim() && !envKey.test(key.trim()) ? "Letters, digits and underscores, not starting with a digit" : undefined;
  const ready = name !== "" && !wrongName && !pairs.some((p) => error(p.key));
  const create = useAction(async () => {
    const e = await ok(
      api.POST("/api/v1/environments", {
        params: { header: { "Idempotency-Key": newKey() } },
        body: { name, description: description.trim() || undefined, variables: valuesOf(pairs) },
      }),
    );
    toast(`Environment ${e.name} is created.`);
    router.push(hrefs.environment(e.name));
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="New environment"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="create" look="primary" busy={create.busy} disabled={!ready}>
            Create environment
          </Button>
        </>
      }
    >
      <form
        id="create"
        className="space-y-4"
        onSubmit={(e) => {
          e.preventDefault();
          if (ready) void create.act();
        }}
      >
        <Field label="Name" error={wrongName} hint="Sandboxes name it, so it cannot be changed later">
          <Input
            value={name}
            onChange={(e) => setName(e.target.value)}
            placeholder="dev"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            autoFocus
          />
        </Field>
        <Field label="Description (optional)">
          <Input
            value={description}
            onChange={(e) => setDescription(e.target.value)}
            placeholder="what it is for"
            autoComplete="off"
          />
        </Field>
        <fieldset className="space-y-2">
          <legend className="text-xs font-medium text-ink-2">Variables (optional)</legend>
          <p className="text-xs text-ink-3">Secrets, files and the import of a .env file come next, on its page.</p>
          <Pairs pairs={pairs} onChange={setPairs} noun="variable" error={error} />
        </fieldset>
        <ProblemBox problem={create.problem} />
      </form>
    </Dialog>
  );
}
