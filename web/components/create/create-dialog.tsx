"use client";

import { ArrowLeft } from "lucide-react";
import { useRouter } from "next/navigation";
import { useMemo, useState } from "react";
import { PlanView } from "@/components/plan/plan-view";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Skeleton } from "@/components/ui/empty";
import { Field, Input } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { all, api, newKey, ok, type Schemas } from "@/lib/api";
import { useAction, useResource } from "@/lib/live";
import { hrefs } from "@/lib/routes";
import { ServicesForm } from "./services-form";
import { missing, nameError, nothing, parameterError, specOf, type Choice } from "./spec";
import { TemplateForm } from "./template-form";

type Mode = "services" | "template";

/** What would be made, with the plan of it and the key that makes asking twice harmless. */
interface Planned {
  spec: Schemas["SandboxSpec"];
  plan: Schemas["Plan"];
  from: string;
  key: string;
}

/** CreateDialog makes a sandbox: what it shall be, then the plan of it, then exactly that. */
export default function CreateDialog({ taken, onClose }: { taken: { name: string }[]; onClose: () => void }) {
  const router = useRouter();
  const names = useMemo(() => new Set(taken.map((s) => s.name)), [taken]);
  const known = useKnown();
  const [mode, setMode] = useState<Mode>("services");
  const [name, setName] = useState("");
  const [choice, setChoice] = useState<Choice>(nothing);
  const [templateName, setTemplateName] = useState("");
  const [values, setValues] = useState<Record<string, string>>({});
  const [asked, setAsked] = useState(false);
  const [planned, setPlanned] = useState<Planned>();

  const template = known.data?.templates.find((t) => t.name === templateName);
  const badName = nameError(name, names);
  const unfinished =
    mode === "services"
      ? missing(choice).length > 0
      : !template || (template.parameters ?? []).some((p) => parameterError(p, values[p.name] ?? p.default ?? ""));

  const show = useAction(async () => {
    setAsked(true);
    if (badName || unfinished) return;
    const spec =
      mode === "services"
        ? specOf(name, choice)
        : await ok(
            api.POST("/api/v1/templates/{template}/render", {
              params: { path: { template: templateName } },
              body: { name, parameters: given(values) },
            }),
          );
    const plan = await ok(api.POST("/api/v1/plans", { body: spec }));
    setPlanned({ spec, plan, from: mode === "services" ? "dashboard" : `template ${templateName}`, key: newKey() });
  });
  const create = useAction(async () => {
    if (!planned) return;
    await ok(
      api.PUT("/api/v1/sandboxes/{name}", {
        params: { path: { name }, header: { "Idempotency-Key": planned.key } },
        body: { spec: planned.spec, plan: planned.plan.hash, from: planned.from },
      }),
    );
    router.push(hrefs.sandbox(name));
  });

  const blocked = planned && (!planned.plan.new || (planned.plan.problems?.length ?? 0) > 0);
  const footer = planned ? (
    <>
      <Button
        className="mr-auto"
        onClick={() => {
          setPlanned(undefined);
          create.clear();
        }}
      >
        <ArrowLeft aria-hidden className="size-4" /> Change
      </Button>
      {(blocked || create.problem) && (
        <Button
          busy={show.busy}
          onClick={() => {
            create.clear();
            void show.act();
          }}
        >
          Plan again
        </Button>
      )}
      <Button look="primary" busy={create.busy} disabled={blocked} onClick={() => void create.act()}>
        Create sandbox
      </Button>
    </>
  ) : (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button look="primary" type="submit" form="new-sandbox" busy={show.busy}>
        Show the plan
      </Button>
    </>
  );
  return (
    <Dialog
      open
      onOpenChange={onClose}
      wide
      footer={footer}
      title={planned ? `Plan for ${name}` : "New sandbox"}
      description={
        planned
          ? "This is what will be done. Nothing has been done yet."
          : "Name it, choose what runs from a branch, and look at the plan."
      }
    >
      {planned ? (
        <div ref={begin} tabIndex={-1} className="space-y-4 outline-none">
          <ProblemBox problem={create.problem ?? show.problem} />
          {!planned.plan.new && <ProblemBox problem={exists(name)} />}
          <PlanView plan={planned.plan} />
        </div>
      ) : (
        <form
          id="new-sandbox"
          className="space-y-4"
          noValidate
          onSubmit={(e) => {
            e.preventDefault();
            void show.act();
          }}
        >
          <div className="grid gap-3 sm:grid-cols-2">
            <Field
              label="Name"
              hint="It is part of the containers' names."
              error={badName && (asked || name) ? badName : undefined}
            >
              <Input
                value={name}
                onChange={(e) => setName(e.target.value)}
                autoFocus
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
                className="font-mono"
              />
            </Field>
            {mode === "services" && (
              <Field label="Description" hint="What it is for; everybody sees it.">
                <Input
                  value={choice.description}
                  maxLength={500}
                  onChange={(e) => setChoice({ ...choice, description: e.target.value })}
                  autoComplete="off"
                />
              </Field>
            )}
          </div>
          <ModeChoice mode={mode} onChange={setMode} />
          {known.loading && <Skeleton lines={4} />}
          <ProblemBox problem={known.problem} />
          {known.data && mode === "services" && (
            <ServicesForm
              value={choice}
              onChange={setChoice}
              repositories={known.data.repositories}
              environments={known.data.environments}
              complaints={asked ? missing(choice) : []}
            />
          )}
          {known.data &&
            mode === "template" &&
            (known.data.templates.length > 0 ? (
              <TemplateForm
                templates={known.data.templates}
                repositories={known.data.repositories}
                template={template}
                complain={asked}
                values={values}
                onValues={setValues}
                onTemplate={(t) => {
                  setTemplateName(t);
                  setValues({});
                  setAsked(false);
                }}
              />
            ) : (
              <p className="rounded-lg border border-dashed px-4 py-6 text-center text-ink-2">
                There is no template yet. A template is a sandbox with blanks to fill in;{" "}
                <a href={hrefs.templates()} className="text-accent-text underline">
                  make one
                </a>{" "}
                for what your team needs again and again.
              </p>
            ))}
          <ProblemBox problem={show.problem} />
        </form>
      )}
    </Dialog>
  );
}

/** begin shows the beginning of what has replaced the form, and reads it out. */
function begin(part: HTMLElement | null) {
  part?.focus({ preventScroll: true });
  part?.parentElement?.scrollTo(0, 0);
}

function ModeChoice({ mode, onChange }: { mode: Mode; onChange: (m: Mode) => void }) {
  const modes: [Mode, string, string][] = [
    ["services", "Services on branches", "Pick them one by one"],
    ["template", "A template", "Fill in what it asks for"],
  ];
  return (
    <fieldset>
      <legend className="mb-1 text-xs font-medium text-ink-2">Made from</legend>
      <div className="grid gap-2 sm:grid-cols-2">
        {modes.map(([value, label, detail]) => (
          <label
            key={value}
            className="flex cursor-pointer items-start gap-2.5 rounded-lg border px-3 py-2 has-checked:border-accent has-checked:bg-accent-soft"
          >
            <input
              type="radio"
              name="made-from"
              className="mt-0.5 size-4 accent-accent"
              checked={mode === value}
              onChange={() => onChange(value)}
            />
            <span>
              <span className="block font-medium">{label}</span>
              <span className="block text-xs text-ink-2">{detail}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** useKnown reads what can be chosen. */
function useKnown() {
  return useResource("new sandbox", async (signal) => {
    const [repositories, environments, templates] = await Promise.all([
      ok(api.GET("/api/v1/repositories", { signal })),
      all((cursor) => ok(api.GET("/api/v1/environments", { signal, params: { query: { limit: 200, cursor } } }))),
      all((cursor) => ok(api.GET("/api/v1/templates", { signal, params: { query: { limit: 200, cursor } } }))),
    ]);
    return { repositories: repositories.items ?? [], environments, templates };
  });
}

/** given leaves out what is empty: the template's default holds. */
function given(values: Record<string, string>) {
  return Object.fromEntries(Object.entries(values).filter(([, v]) => v !== ""));
}

function exists(name: string): Schemas["Problem"] {
  return {
    title: "The name is taken",
    status: 409,
    code: "sandbox-exists",
    kind: "conflict",
    detail: `There is a sandbox ${name} already, and this plan would change it.`,
    remedy: "Go back and choose another name.",
  };
}
