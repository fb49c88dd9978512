"use client";

import { ChevronDown, FileStack, Pencil, Rocket } from "lucide-react";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, PageHeader } from "@/components/ui/card";
import { Empty, Skeleton } from "@/components/ui/empty";
import { Ago } from "@/components/ui/facts";
import { Input } from "@/components/ui/field";
import { Menu, MenuItem } from "@/components/ui/menu";
import { ProblemBox } from "@/components/ui/problem";
import { useToast } from "@/components/ui/toast";
import { all, api, ok } from "@/lib/api";
import { useResource } from "@/lib/live";
import { hrefs } from "@/lib/routes";
import { useQuery } from "@/lib/use-query";
import { FromSandbox } from "./from-sandbox";
import type { Template } from "./model";
import { TemplateEditor } from "./template-editor";
import { UseTemplate } from "./use-template";

/** TemplatesPage lists the templates and makes new ones. */
export function TemplatesPage() {
  const router = useRouter();
  const toast = useToast();
  const { values, set } = useQuery("q", "new");
  const [using, setUsing] = useState<Template>();
  const templates = useResource(
    "templates",
    (signal) => all((cursor) => ok(api.GET("/api/v1/templates", { params: { query: { cursor, limit: 100 } }, signal }))),
    (e) => e.topic === "audit",
  );
  const list = templates.data;
  const wanted = values.q.trim().toLowerCase();
  const shown = list?.filter(
    (t) =>
      !wanted ||
      `${t.name} ${t.description ?? ""} ${t.owner} ${Object.keys(t.spec.services ?? {}).join(" ")}`
        .toLowerCase()
        .includes(wanted),
  );
  const close = () => set({ new: "" });
  const saved = (t: Template) => {
    toast(`Template ${t.name} is kept.`);
    router.push(hrefs.template(t.name));
  };
  const create = (
    <Menu
      trigger={
        <Button look="primary">
          New template <ChevronDown aria-hidden className="size-4" />
        </Button>
      }
    >
      <MenuItem onSelect={() => set({ new: "sandbox" })}>
        <FileStack aria-hidden className="size-4" /> From a sandbox
      </MenuItem>
      <MenuItem onSelect={() => set({ new: "scratch" })}>
        <Pencil aria-hidden className="size-4" /> From scratch
      </MenuItem>
    </Menu>
  );
  return (
    <>
      <PageHeader title="Templates" actions={list && list.length > 0 && create}>
        Sandboxes with blanks to fill in, for what is made again and again.
      </PageHeader>
      <ProblemBox problem={templates.problem} className="mb-4" />
      {!list && !templates.problem && <Skeleton lines={6} />}
      {list?.length === 0 && (
        <Empty
          icon={FileStack}
          title="No template yet"
          action={
            <>
              <Button look="primary" onClick={() => set({ new: "sandbox" })}>
                Make one from a sandbox
              </Button>
              <Button onClick={() => set({ new: "scratch" })}>Start from scratch</Button>
            </>
          }
        >
          <p>
            A template is a sandbox&apos;s definition with parameters: “account from the branch you name, everything else as it
            is”. Whoever uses it gives a name and the values, sees the plan, and has a sandbox.
          </p>
          <p className="mt-2">
            The quickest way: set up one sandbox as you like it, make a template of it, and choose what becomes a parameter.
          </p>
        </Empty>
      )}
      {list && shown && list.length > 0 && (
        <>
          <div className="mb-4 max-w-sm">
            <Input
              type="search"
              aria-label="Search the templates"
              placeholder="Search the templates"
              value={values.q}
              onChange={(e) => set({ q: e.target.value })}
            />
          </div>
          {shown.length === 0 ? (
            <Empty
              icon={FileStack}
              title="No template matches"
              action={<Button onClick={() => set({ q: "" })}>Show all</Button>}
            />
          ) : (
            <Card flush>
              <ul className="divide-y">
                {shown.map((t) => (
                  <Row key={t.name} template={t} onUse={() => setUsing(t)} />
                ))}
              </ul>
            </Card>
          )}
        </>
      )}
      {values.new === "scratch" && <TemplateEditor onClose={close} onSaved={saved} />}
      {values.new === "sandbox" && <FromSandbox onClose={close} onSaved={saved} />}
      {using && <UseTemplate template={using} onClose={() => setUsing(undefined)} />}
    </>
  );
}

function Row({ template: t, onUse }: { template: Template; onUse: () => void }) {
  const services = [
    ...(t.spec.gateway ? [t.spec.gateway.repository ?? "gateway"] : []),
    ...Object.keys(t.spec.services ?? {}).sort(),
  ];
  return (
    <li className="relative flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3 hover:bg-sunken/60">
      <div className="min-w-0 flex-1 basis-72">
        <Link href={hrefs.template(t.name)} className="font-medium after:absolute after:inset-0 after:content-['']">
          {t.name}
        </Link>
        {t.description && <p className="break-words text-ink-2">{t.description}</p>}
        <p className="mt-0.5 text-xs text-ink-3">
          {services.join(", ") || "no service of its own"} · by {t.owner} · changed <Ago at={t.updatedAt} />
        </p>
      </div>
      <div className="flex max-w-full flex-wrap gap-1.5">
        {(t.parameters ?? []).map((p) => (
          <Badge
            key={p.name}
            tone={p.default === undefined ? "info" : "idle"}
            className="font-mono"
            title={p.description || undefined}
          >
            {p.name}
            {p.default ? `=${p.default}` : ""}
          </Badge>
        ))}
      </div>
      <Button size="small" className="relative z-10" onClick={onUse}>
        <Rocket aria-hidden className="size-3.5" /> Use<span className="sr-only"> {t.name} for a new sandbox</span>
      </Button>
    </li>
  );
}
