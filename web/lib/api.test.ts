import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { send } from "./api";

const real = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = real;
});

/** dropped has the first request get no answer, and returns what bodies were sent. */
function dropped(): string[] {
  const sent: string[] = [];
  globalThis.fetch = async (input) => {
    sent.push(await (input as Request).text());
    if (sent.length === 1) throw new TypeError("Failed to fetch");
    return new Response("{}");
  };
  return sent;
}

const post = (headers: Record<string, string>) => new Request("http://sdp.test/", { method: "POST", body: '{"a":1}', headers });

test("a request with a key that gets no answer is sent again, as it was", async () => {
  const sent = dropped();
  assert.equal((await send(post({ "Idempotency-Key": "k" }))).status, 200);
  assert.deepEqual(sent, ['{"a":1}', '{"a":1}']);
});

test("a read that gets no answer is made again", async () => {
  const sent = dropped();
  await send(new Request("http://sdp.test/"));
  assert.equal(sent.length, 2);
});

test("what may do something twice is not sent again", async () => {
  const sent = dropped();
  await assert.rejects(send(post({})), TypeError);
  assert.equal(sent.length, 1);
});
