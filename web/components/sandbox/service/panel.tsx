"use client";

import { CircleAlert, History, LoaderCircle, Rocket, RotateCw, ScrollText, Square } from "lucide-react";
import Link from "next/link";
import { useState, type ReactNode } from "react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Facts } from "@/components/ui/card";
import { CopyButton } from "@/components/ui/copy";
import { Ago, Commit } from "@/components/ui/facts";
import { Remedy } from "@/components/ui/remedy";
import type { Schemas } from "@/lib/api";
import { duration, plural, shortSHA } from "@/lib/format";
import { hrefs } from "@/lib/routes";
import { deploymentTone, words } from "@/lib/tones";
import { answered, type ServiceNode, type Trouble } from "../topology/model";
import { healthWord, latency, rateWords, serviceTone } from "../words";
import type { Act, Possible } from "./actions";
import { RouteChoice } from "./route-choice";
import { TrackSwitch } from "./track-switch";

interface PanelProps {
  sandbox: Schemas["Sandbox"];
  node: ServiceNode;
  can: Possible;
  ocp: string | undefined;
  onAct: (act: Act) => void;
  onChanged: () => void;
}

/** ServicePanel is all about one service of the sandbox: how it is, who answers, what runs, and what can be done. */
export function ServicePanel({ sandbox, node, can, ocp, onAct, onChanged }: PanelProps) {
  const { own, busy, trouble } = node;
  return (
    <div className="space-y-5">
      <div className="space-y-2">
        <p className="flex flex-wrap items-center gap-2">
          <Badge tone={serviceTone(node.health, node.source)} dot>
            {healthWord(node.health, node.source, node.own)}
          </Badge>
          {node.gateway && <Badge>gateway</Badge>}
          {busy && (
            <Link href={busy.href} className="inline-flex items-center gap-1.5 text-info-text underline-offset-2 hover:underline">
              <LoaderCircle aria-hidden className="size-3.5 animate-spin" /> {busy.words}
            </Link>
          )}
        </p>
        {node.reason && !trouble && <p className="break-words text-ink-2">{node.reason}</p>}
        {!own && (
          <p className="text-ink-2">
            {answered(node) && "Not part of this sandbox: the shared environment answers. "}Deploy a branch to run your own.
          </p>
        )}
      </div>
      {trouble && !busy && <TroubleBox key={trouble.id} trouble={trouble} serves={!!own?.serving} />}
      {own?.behind && <Behind onRestart={() => onAct("restart")} />}
      <Section title="Who answers">
        <RouteChoice node={node} can={can} ocp={ocp} onAct={onAct} />
      </Section>
      <Section title="Do">
        <div className="grid grid-cols-2 gap-2">
          <Do act="deploy" can={can} onAct={onAct}>
            <Rocket aria-hidden className="size-4" /> Deploy a branch
          </Do>
          <Do act="logs" can={can} onAct={onAct}>
            <ScrollText aria-hidden className="size-4" /> Logs
          </Do>
          <Do act="restart" can={can} onAct={onAct}>
            <RotateCw aria-hidden className="size-4" /> Restart
          </Do>
          <Do act="stop" can={can} onAct={onAct} danger>
            <Square aria-hidden className="size-4" /> Stop
          </Do>
        </div>
        {own?.branch && !own.commit && <TrackSwitch sandbox={sandbox.name} service={own} onChanged={onChanged} />}
        {own?.commit && (
          <p className="mt-3 text-ink-2">
            Pinned to commit <span className="font-mono text-xs">{shortSHA(own.commit)}</span>: it does not follow a branch.
          </p>
        )}
      </Section>
      {node.traffic && (
        <Section title="Requests">
          <Requests traffic={node.traffic} />
        </Section>
      )}
      {own?.serving && (
        <Section title="Container">
          <ContainerFacts container={own.serving} branch={node.branch} />
        </Section>
      )}
      {own?.latest && (
        <Section title="Newest deployment">
          <Newest deployment={own.latest} />
        </Section>
      )}
    </div>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h3 className="mb-2 text-xs font-medium text-ink-3">{title}</h3>
      {children}
    </section>
  );
}

function Do({
  act,
  can,
  onAct,
  danger,
  children,
}: {
  act: Act;
  can: Possible;
  onAct: (a: Act) => void;
  danger?: boolean;
  children: ReactNode;
}) {
  return (
    <Button
      className="justify-start"
      look={danger ? "danger" : "plain"}
      disabled={!!can[act]}
      title={can[act] && `Not now: ${can[act]}`}
      onClick={() => onAct(act)}
    >
      {children}
    </Button>
  );
}

/** TroubleBox shows why the newest thing done to a service failed, until something newer is done or it is put away. */
function TroubleBox({ trouble, serves }: { trouble: Trouble; serves: boolean }) {
  const { title, failure, href } = trouble;
  return (
    <div role="alert" className="space-y-2 rounded-lg border border-bad/40 bg-bad-soft p-3 text-bad-text">
      <p className="flex gap-2 font-semibold">
        <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0" /> {title}
      </p>
      {failure && <p className="break-words">{failure.detail}</p>}
      <Remedy remedy={failure?.remedy} command={failure?.command} />
      {failure?.output && <Output text={failure.output} />}
      <p className="flex flex-wrap gap-x-3">
        <Link href={href} className="font-medium underline underline-offset-2">
          See what happened
        </Link>
        {serves && <span>What ran before still does.</span>}
      </p>
    </div>
  );
}

function Output({ text }: { text: string }) {
  const [whole, setWhole] = useState(false);
  const lines = text.trimEnd().split("\n");
  const shown = whole ? lines : lines.slice(-6);
  return (
    <div>
      <pre
        tabIndex={0}
        aria-label="Last lines of the output"
        className="max-h-64 overflow-auto rounded-md bg-log p-2 font-mono text-xs text-log-ink"
      >
        {shown.join("\n")}
      </pre>
      {lines.length > shown.length && (
        <Button size="small" look="quiet" className="mt-1" onClick={() => setWhole(true)}>
          {plural(lines.length - shown.length, "line")} more
        </Button>
      )}
    </div>
  );
}

function Behind({ onRestart }: { onRestart: () => void }) {
  return (
    <div className="flex items-start gap-2 rounded-lg border border-warn/40 bg-warn-soft p-3 text-warn-text">
      <History aria-hidden className="mt-0.5 size-4 shrink-0" />
      <p className="min-w-0 flex-1">It runs with older settings than it would get now. A restart brings them in.</p>
      <Button size="small" onClick={onRestart}>
        Restart now
      </Button>
    </div>
  );
}

function Requests({ traffic: t }: { traffic: Schemas["ServiceTraffic"] }) {
  return (
    <Facts
      items={[
        ["Now", `${rateWords(t.perSecond)}${t.inFlight > 0 ? `, ${t.inFlight} under way` : ""}`],
        ["Counted", `${t.requests.toLocaleString("en")}${t.errors > 0 ? `, ${plural(t.errors, "error")}` : ""}`],
        ["Latency", t.p50Millis > 0 ? `p50 ${duration(t.p50Millis)}, p95 ${duration(t.p95Millis)}` : latency(t).title],
      ]}
    />
  );
}

function ContainerFacts({ container: c, branch }: { container: Schemas["Container"]; branch: string | undefined }) {
  return (
    <Facts
      items={[
        [
          "Runs",
          <span key="r" className="inline-flex flex-wrap items-center">
            <Commit branch={branch} sha={c.sha} />
            <CopyButton text={c.sha} label="Copy the commit" />
          </span>,
        ],
        ["Node", c.node],
        [
          "Name",
          <span key="n" className="font-mono text-xs wrap-anywhere">
            {c.name}
          </span>,
        ],
        [
          "Image",
          <span key="i" className="font-mono text-xs wrap-anywhere">
            {c.image}
          </span>,
        ],
        [
          "Address",
          c.address && (
            <span key="a" className="font-mono text-xs">
              {c.address}
            </span>
          ),
        ],
        ["State", c.state === "SERVING" ? undefined : words(c.state)],
      ]}
    />
  );
}

function Newest({ deployment: d }: { deployment: Schemas["Deployment"] }) {
  return (
    <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
      <Badge tone={deploymentTone(d.state)} dot={!d.settled}>
        {words(d.state)}
      </Badge>
      <Link href={hrefs.deployment(d.id)} className="text-accent-text underline-offset-2 hover:underline">
        <Commit branch={d.branch} sha={d.sha} className="text-accent-text" />
      </Link>
      <span className="text-ink-3">
        {d.requestedBy}, <Ago at={d.createdAt} />
      </span>
    </p>
  );
}
