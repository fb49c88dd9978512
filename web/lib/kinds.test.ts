// The API says of an operation what it is called, whether it is settled and whether it can be cancelled. A list of kinds kept
// here would silently lack the next one.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const web = join(import.meta.dirname, "..");
const { components } = JSON.parse(readFileSync(join(web, "../api/testdata/openapi.json"), "utf8"));
const { kind, state } = components.schemas.Operation.properties;

const sources = ["app", "components", "lib"]
  .flatMap((dir) => readdirSync(join(web, dir), { recursive: true, encoding: "utf8" }).map((file) => join(dir, file)))
  .filter((file) => /\.tsx?$/.test(file) && !/\.test\.|schema\.d\.ts$/.test(file));

/** The lists and objects without further ones in them that name at least three of words. */
function lists(text: string, words: string[]): string[] {
  const naming = (part: string, word: RegExp) => new Set(Array.from(part.matchAll(word), (m) => m[1])).size >= 3;
  const item = new RegExp(`"(${words.join("|")})"`, "g");
  const key = new RegExp(`(?<=[{,]\\s*)"?(${words.join("|")})"?:`, "g");
  const found = [...(text.match(/\[[^\][]*\]/g) ?? []).filter((part) => naming(part, item))];
  return [...found, ...(text.match(/\{[^{}]*\}/g) ?? []).filter((part) => naming(part, key))];
}

test("lists are found", () => {
  assert.equal(lists('const a = new Set(["apply", "clone", "restore"]);', kind.enum).length, 1);
  assert.equal(lists('const a = { restart: "restarted", stop: "stopped", route: "switched" };', kind.enum).length, 1);
  assert.equal(lists('const a = ["restart", "logs"];', kind.enum).length, 0);
});

test("no list of the kinds of operations is kept here, nor of the states in which they are settled", () => {
  assert.ok(sources.length > 100 && kind.enum.length > 5);
  const kept = sources.flatMap((file) => {
    const text = readFileSync(join(web, file), "utf8");
    return [...lists(text, kind.enum), ...lists(text, state.enum)].map((list) => `${file}: ${list.slice(0, 120)}`);
  });
  assert.deepEqual(kept, []);
});
