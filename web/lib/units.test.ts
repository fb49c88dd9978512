import assert from "node:assert/strict";
import { test } from "node:test";
import { kibibytes, memoryText, parseSize, sizeText } from "./units";

test("sizes are read and written in powers of 1024", () => {
  assert.deepEqual(["512M", "1.5G", "64MiB", " 1g ", "1000", "12 apples", ""].map(parseSize), [
    512 << 20,
    1.5 * 2 ** 30,
    64 << 20,
    2 ** 30,
    1000,
    undefined,
    undefined,
  ]);
  assert.deepEqual([512 << 20, 1.5 * 2 ** 30, 1000, 0, undefined].map(sizeText), ["512M", "1.5G", "1000", "", ""]);
  for (const n of [6 << 20, 123_456_789, 2 ** 40]) assert.equal(parseSize(sizeText(n)), n, "not exact");
});

test("a limit is shown as it was typed, in powers of 1024, and shortened where that cannot be exact", () => {
  for (const text of ["256M", "1.5G", "1025M", "64K"]) assert.equal(memoryText(parseSize(text)), text);
  assert.deepEqual([500_000_000, 1000, 0, undefined].map(memoryText), ["476.8M", "1000", "", ""]);
  assert.equal(kibibytes(128 << 10), "128 KiB");
});
