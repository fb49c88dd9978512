"use client";

import { useState } from "react";
import { api, ok, type Schemas } from "@/lib/api";
import { ofSandbox } from "@/lib/concerns";
import { useResource } from "@/lib/live";
import { Behind } from "./behind";
import { EnvironmentChoice } from "./environment-choice";
import { EffectiveEnvironment } from "./environment-effective";
import { OwnVariables } from "./environment-own";

/** EnvironmentTab shows what services find in their environment and where it comes from, and changes the sandbox's part. */
export function EnvironmentTab({ sandbox, reload }: { sandbox: Schemas["Sandbox"]; reload: () => void }) {
  const services = sandbox.services ?? [];
  const running = services.filter((s) => s.serving).map((s) => s.name);
  const [service, setService] = useState<string>();
  const shown = service ?? running[0] ?? services[0]?.name;
  // All that run are asked, because only the answer says whether one is behind.
  const wanted = shown && !running.includes(shown) ? [...running, shown] : running;
  const explained = useResource(
    `environment/${sandbox.name}/${wanted.join()}`,
    async (signal) => {
      const answers = await Promise.allSettled(
        wanted.map((s) =>
          ok(
            api.GET("/api/v1/sandboxes/{name}/services/{service}/environment", {
              params: { path: { name: sandbox.name, service: s } },
              signal,
            }),
          ),
        ),
      );
      return new Map(answers.map((a, i) => [wanted[i]!, a]));
    },
    (e) => ofSandbox(sandbox.name)(e) || e.topic === "environment/" + sandbox.environment,
  );
  const behind = running.filter((s) => {
    const a = explained.data?.get(s);
    return a?.status === "fulfilled" && a.value.behind;
  });
  const changed = () => {
    reload();
    void explained.reload();
  };
  return (
    <div className="space-y-5">
      <Behind sandbox={sandbox.name} services={behind} onRestarted={changed} />
      <div className="grid items-start gap-5 xl:grid-cols-2">
        <EnvironmentChoice sandbox={sandbox} onChanged={changed} />
        <OwnVariables sandbox={sandbox} onChanged={changed} />
      </div>
      <EffectiveEnvironment
        services={services}
        shown={shown}
        onShow={setService}
        behind={behind}
        answer={shown ? explained.data?.get(shown) : undefined}
        problem={explained.problem}
      />
    </div>
  );
}
