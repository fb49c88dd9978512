import assert from "node:assert/strict";
import { test } from "node:test";
import { merged, type Entry } from "../components/history/entries";

const at = (...times: number[]) => times.map((t) => ({ of: "operation", at: t, it: { id: String(t) } }) as unknown as Entry);

test("a list with further pages hides what may come after something of them", () => {
  const shown = (...lists: Parameters<typeof merged>) => merged(...lists).map((e) => e.at);
  assert.deepEqual(shown({ entries: at(9, 5), more: false }, { entries: at(7, 3), more: false }), [9, 7, 5, 3]);
  assert.deepEqual(shown({ entries: at(9, 8), more: true }, { entries: at(7, 3), more: false }), [9, 8]);
  assert.deepEqual(shown({ entries: at(9, 2), more: true }, { entries: at(7, 3), more: true }), [9, 7, 3]);
});
