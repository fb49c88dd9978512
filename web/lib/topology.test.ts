import assert from "node:assert/strict";
import { test } from "node:test";
import { layout, wideFrom, type Box, type Placed } from "../components/sandbox/topology/layout";
import { litBy } from "../components/sandbox/topology/lit";
import { answers, drawn, nodeName, serviceNodes } from "../components/sandbox/topology/model";
import { placeHops } from "../components/sandbox/trace/hops";
import type { Schemas } from "./api";

function services(n: number): Placed[] {
  const sources = ["sandbox", "url", "ocp"] as const;
  return Array.from({ length: n }, (_, i) => ({ name: `s${i}`, source: sources[Math.floor((3 * i) / n)] ?? "ocp" }));
}

function overlap(a: Box, b: Box) {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

test("nothing in the picture overlaps or leaves it, however many services and however narrow", () => {
  for (const n of [1, 2, 5, 9, 20, 60]) {
    for (const width of [294, 342, wideFrom - 1, wideFrom, 744, 1000, 1552]) {
      for (const gateway of [true, false]) {
        const l = layout(services(n), gateway, width);
        const boxes = [l.client, l.entry, ...(l.gateway ? [l.gateway.target] : []), ...l.rows.flatMap((r) => [r.node, r.target])];
        for (const [i, a] of boxes.entries()) {
          const at = `${n} services, ${width} wide, gateway ${gateway}, box ${i}: ${JSON.stringify(a)}`;
          assert.ok(a.x >= 0 && a.y >= 0 && a.x + a.w <= width && a.y + a.h <= l.height, `outside: ${at}`);
          assert.ok(a.w >= 60, `too narrow: ${at}`);
          for (const b of boxes.slice(i + 1)) assert.ok(!overlap(a, b), `overlaps ${JSON.stringify(b)}: ${at}`);
        }
        assert.equal(l.lanes.length, Math.min(n, 3));
      }
    }
  }
});

const hop = { node: "n", source: "sandbox", target: "t", method: "GET", path: "/", status: 200 };
const hops: Schemas["Hop"][] = [
  { ...hop, from: "client", service: "gateway", startedAt: 0, millis: 10 },
  { ...hop, from: "gateway", service: "account", startedAt: 2000, millis: 6 },
  { ...hop, from: "account", service: "user", startedAt: 3000, millis: 1, status: 502 },
];

test("hops stand below who asked, on one line of time", () => {
  const { placed, millis } = placeHops(hops);
  assert.equal(millis, 10);
  assert.deepEqual(
    placed.map((p) => [p.depth, p.start, p.length]),
    [
      [0, 0, 100],
      [1, 20, 60],
      [2, 30, 10],
    ],
  );
  assert.equal(placeHops([]).millis, 0);
});

test("a trace lights the lines it went along", () => {
  const lit = litBy({ id: "t", sandbox: "s", path: "/", status: 200, hops }, "gateway");
  assert.deepEqual([...(lit?.reached ?? [])], ["account"]);
  assert.deepEqual(lit?.between, [{ from: "account", to: "user" }]);
  assert.deepEqual([...(lit?.failed ?? [])], ["user"]);
  assert.deepEqual(lit?.numbers.get("user"), [3]);
});

test("a service that nobody answers for is in the picture once somebody asks for it", () => {
  const sandbox = { name: "s", services: [] } as unknown as Schemas["Sandbox"];
  const counts = { requests: 0, errors: 0, perSecond: 0, inFlight: 0, p50Millis: 0, p95Millis: 0 };
  const shared = { ...counts, service: "user", source: "ocp", health: "external", target: "http://user.ocp" } as const;
  const absent = { ...counts, service: "draft", source: "ocp", health: "stopped" } as const;
  const nodes = (...services: Schemas["ServiceTraffic"][]) =>
    serviceNodes(sandbox, { sandbox: "s", gateway: counts, services }, []);
  const names = (...of: Parameters<typeof drawn>) => drawn(...of).map((n) => n.name);

  assert.deepEqual(names(nodes(shared, absent), undefined), ["user"]);
  assert.deepEqual(names(nodes(shared, { ...absent, requests: 1 }), undefined), ["draft", "user"]);
  const trace = { id: "t", sandbox: "s", path: "/", status: 502, hops: [{ ...hops[0]!, service: "draft" }] };
  assert.deepEqual(names(nodes(shared, absent), trace), ["draft", "user"]);

  const [draft, user] = nodes(shared, absent);
  assert.equal(answers(draft!), "nobody");
  assert.equal(nodeName(draft!), "draft, nobody, not in OCP, no requests");
  assert.equal(answers(user!), "OCP user.ocp");
});
