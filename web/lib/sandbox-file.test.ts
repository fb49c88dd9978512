import assert from "node:assert/strict";
import { test } from "node:test";
import { sandboxFile, templateFile } from "./sandbox-file";

test("a definition is written as the command line reads it", () => {
  assert.equal(
    sandboxFile({
      name: "shop",
      description: 'a "quote": #x',
      labels: { team: "yes" },
      variables: { EMPTY: "", NUM: "007", LINES: "a\nb\u2028c" },
      limits: { container: { cpus: 0.5, memory: 256 << 20 } },
      expiry: { idleAfter: "72h0m0s" },
      gateway: { branch: "main" },
      services: { account: { branch: "feature/x", track: true }, user: { useOCP: true } },
    }),
    `sandbox: shop
description: "a \\"quote\\": #x"
labels:
  team: "yes"
variables:
  EMPTY: ""
  NUM: "007"
  LINES: "a\\nb\\u2028c"
limits:
  container:
    cpus: 0.5
    memory: "256M"
expiry:
  idle_after: "72h0m0s"
gateway:
  branch: main
services:
  account:
    branch: feature/x
    track: true
  user:
    use_ocp: true
`,
  );
});

test("an empty default is a default", () => {
  const file = templateFile({
    name: "t",
    parameters: [{ name: "mood", default: "", choices: ["", "no"] }, { name: "branch" }],
    spec: { services: { a: { branch: "${branch}" } } },
  });
  assert.match(file, /mood:\n {4}default: ""\n {4}choices: \["", "no"\]/);
  assert.match(file, /branch: \{\}/, "a parameter without anything is still one");
});
