import assert from "node:assert/strict";
import { test } from "node:test";
import { goSpan, parseSize, parseSpan, sizeText, spanInput, spanText } from "./units";

test("sizes are read and written in powers of 1024", () => {
  assert.deepEqual(["512M", "1.5G", "64MiB", " 1g ", "1000", "12 apples", ""].map(parseSize), [512 << 20, 1.5 * 2 ** 30, 64 << 20, 2 ** 30, 1000, undefined, undefined]);
  assert.deepEqual([512 << 20, 1.5 * 2 ** 30, 1000, 0, undefined].map(sizeText), ["512M", "1.5G", "1000", "", ""]);
  for (const n of [6 << 20, 123_456_789, 2 ** 40]) assert.equal(parseSize(sizeText(n)), n, "not exact");
});

test("durations of the API are shown in days, and days are read", () => {
  assert.equal(spanText("72h0m0s"), "3 days");
  assert.equal(spanText("25h30m0s"), "1 day 1 hour 30 minutes");
  assert.equal(spanInput("36h0m0s"), "1d 12h");
  assert.deepEqual(["3d", "1d 12h", "90m", "soon", "-1h", ""].map(parseSpan), [259_200, 129_600, 5400, undefined, undefined, undefined]);
  assert.equal(goSpan(parseSpan("3d")!), "259200s");
});
