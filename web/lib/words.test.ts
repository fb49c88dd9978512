import assert from "node:assert/strict";
import { test } from "node:test";
import { outcome, telling } from "../components/deployment/words";
import { notesOf } from "../components/overview/notes";
import { healthWord, latency } from "../components/sandbox/words";
import type { Schemas } from "./api";

type Deployment = Schemas["Deployment"];

const deployment = (state: Deployment["state"], more: Partial<Deployment> = {}) =>
  ({ id: "d-1", sandbox: "box", service: "account", state, createdAt: "2026-03-01T10:00:00.5Z", ...more }) as Deployment;
const later = { id: "d-2", createdAt: "2026-03-01T10:00:00.51Z" };

test("a deployment that succeeded and runs no more was replaced if a newer one of its service succeeded", () => {
  const stopped = deployment("STOPPED");
  const word = (...known: Deployment[]) => outcome(stopped, [stopped, ...known]).word;
  assert.equal(word(deployment("RUNNING", later)), "replaced");
  assert.equal(word(deployment("STOPPED", later)), "replaced");
  assert.equal(word(), "stopped");
  assert.equal(word(deployment("FAILED", later)), "stopped");
  assert.equal(word(deployment("RUNNING", { ...later, service: "user" })), "stopped");
  assert.equal(word(deployment("RUNNING", { ...later, sandbox: "other" })), "stopped");
  assert.equal(word(deployment("STOPPED", { id: "d-0", createdAt: "2026-03-01T09:00:00Z" })), "stopped");
  assert.deepEqual(outcome(deployment("CREATING_IMAGE"), [deployment("RUNNING", later)]), { word: "creating image" });
});

test("only what ran is called stopped", () => {
  const word = (latest?: Deployment["state"], serving?: boolean) =>
    healthWord("stopped", "sandbox", {
      latest: latest && deployment(latest),
      serving: serving ? ({} as Schemas["Container"]) : undefined,
    });
  assert.equal(word("STOPPED"), "stopped");
  assert.equal(word("RUNNING", true), "stopped"); // of a sandbox that is suspended
  assert.equal(word("CANCELLED"), "not running");
  assert.equal(word(), "not deployed");
  assert.equal(healthWord("stopped", "ocp", undefined), "not in OCP");
  assert.equal(healthWord("external", "ocp", undefined), "shared");
  assert.equal(healthWord("healthy", "sandbox", {}), "healthy");
});

test("a latency that was not measured lately is not that of a service without requests", () => {
  assert.deepEqual(latency({ requests: 0, p95Millis: 0 }), { word: "none" });
  assert.deepEqual(latency({ requests: 8, p95Millis: 12 }), { word: "12 ms" });
  assert.equal(latency({ requests: 8, p95Millis: 0 }).word, "none lately");
});

test("the telling line is the first place a compiler names, else an error, else the last", () => {
  assert.equal(telling(["go: downloading", "error: two", "main.go:3:1: undefined: x", "main.go:9:1: undefined: y"]), 2);
  assert.equal(telling(["one", "panic: no", "three"]), 1);
  assert.equal(telling(["one", "two"]), 1);
  assert.equal(telling([]), undefined);
});

test("a note on a failure names the service", () => {
  const note = (detail: string) => {
    const latest = deployment("FAILED", { failure: { detail, remedy: "" } as Schemas["Failure"] });
    const services = [{ name: "account", source: "sandbox", health: "degraded", latest }];
    return notesOf({ state: "ACTIVE", health: "degraded", services } as unknown as Schemas["Sandbox"])[0]?.text;
  };
  assert.equal(note("node micro-1: its worker was lost"), "account: node micro-1: its worker was lost");
  assert.equal(note("the container of account exited"), "the container of account exited");
});
