import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes } from "./format";

// Those of the CLI's own test, and what it prints for an image and a disk.
test("sizes of files, images and disks are what the CLI prints", () => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [1500, "1.5 kB"],
    [55_300_000, "55.3 MB"],
    [512_000_000, "512.0 MB"],
    [70_900_000_000, "70.9 GB"],
    [2.5e15, "2500.0 TB"],
  ];
  for (const [n, want] of cases) assert.equal(bytes(n), want);
  assert.equal(bytes(undefined), "");
});
