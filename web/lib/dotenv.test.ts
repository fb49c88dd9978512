import assert from "node:assert/strict";
import { test } from "node:test";
import { DotenvError, parseDotenv } from "./dotenv";

const pairs = (text: string) => parseDotenv(text).map((v) => [v.key, v.value]);

test("a .env file is read as the command line reads it", () => {
  assert.deepEqual(
    pairs(`\uFEFF# a comment
PLAIN=a value   # ends here
HASH=a#b
export EXPORTED = 1
SINGLE='as it stands: $HOME \\n'
DOUBLE="tab \\t line \\n quote \\" dollar \\$ backslash \\\\ other \\x"
PEM="-----BEGIN
-----END" # after
EMPTY=\r
`),
    [
      ["PLAIN", "a value"],
      ["HASH", "a#b"],
      ["EXPORTED", "1"],
      ["SINGLE", "as it stands: $HOME \\n"],
      ["DOUBLE", 'tab \t line \n quote " dollar $ backslash \\ other \\x'],
      ["PEM", "-----BEGIN\n-----END"],
      ["EMPTY", ""],
    ],
  );
  assert.deepEqual(pairs(""), []);
});

test("an error names the line and never a value", () => {
  const hidden = "s3cr3t";
  for (const [text, line, says] of [
    [`A=1\n${hidden}`, 2, 'no "="'],
    [`A=1\n\n${hidden} x=2`, 3, "cannot name a variable"],
    [`A=${hidden}\nB=1\nA=${hidden}`, 3, "set again, first on line 1"],
    [`B=1\nA="${hidden}\n\n`, 2, "no closing"],
    [`A="${hidden}\n" ${hidden}`, 2, "text after the closing quote"],
    [`A=1\nB=\0${hidden}`, 2, "not text"],
  ] as const) {
    assert.throws(
      () => parseDotenv(text),
      (e) => e instanceof DotenvError && e.line === line && e.message.includes(says) && !(e.message + e.remedy).includes(hidden),
      text,
    );
  }
});
