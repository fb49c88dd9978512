import assert from "node:assert/strict";
import { test } from "node:test";
import { AnsiParser, palette, type Line } from "./ansi";
import { contrast, legible } from "./contrast";

function parse(...chunks: string[]): Line[] {
  const p = new AnsiParser();
  const lines: Line[] = [];
  for (const c of chunks) p.write(c, (l) => lines.push(l));
  const rest = p.current();
  return rest ? [...lines, rest] : lines;
}
const texts = (...chunks: string[]) => parse(...chunks).map((l) => l.text);

/** runs writes a line's runs as [text, style]. */
function runs(l: Line | undefined) {
  let start = 0;
  return (l?.runs ?? []).map((r) => {
    const piece = [l!.text.slice(start, r.end), r.style] as const;
    start = r.end;
    return piece;
  });
}

test("lines end with a newline, wherever the pieces are cut", () => {
  assert.deepEqual(texts("a\nb", "c\n", "\nd"), ["a", "bc", "", "d"]);
  assert.deepEqual(texts("one\r", "\ntwo\r\n"), ["one", "two"]);
  assert.deepEqual(parse("plain\n"), [{ text: "plain" }]);
});

test("every cut of a text gives the same lines", () => {
  const all = "x\x1b[1;31mred\x1b[0m\r\n\x1b]8;;http://a\x1b\\link\x1b]8;;\x07 50%\r\x1b[K100%\n\x1b[38;2;1;2;3mé\n";
  const whole = parse(all);
  for (let i = 0; i < all.length; i++) assert.deepEqual(parse(all.slice(0, i), all.slice(i)), whole, `cut at ${i}`);
  assert.deepEqual(parse(...all), whole);
});

test("colours of all kinds", () => {
  assert.deepEqual(runs(parse("a\x1b[31mb\x1b[1mc\x1b[0md")[0]), [
    ["a", {}],
    ["b", { fg: palette(1) }],
    ["c", { fg: palette(1), bold: true }],
    ["d", {}],
  ]);
  assert.deepEqual(runs(parse("\x1b[38;5;196;48;5;232mx")[0]), [["x", { fg: 0xff0000, bg: 0x080808 }]]);
  assert.deepEqual(runs(parse("\x1b[38;2;1;2;3mx")[0]), [["x", { fg: 0x010203 }]]);
  assert.deepEqual(runs(parse("\x1b[38:2::1:2:3mx")[0]), [["x", { fg: 0x010203 }]]);
  assert.deepEqual(runs(parse("\x1b[38:2:1:2:3mx")[0]), [["x", { fg: 0x010203 }]]);
  assert.deepEqual(runs(parse("\x1b[38:5:196mx")[0]), [["x", { fg: 0xff0000 }]]);
  assert.deepEqual(runs(parse("\x1b[97;104mx")[0]), [["x", { fg: palette(15), bg: palette(12) }]]);
  assert.deepEqual(runs(parse("\x1b[2;4;9;3mx\x1b[22;24;29;23my")[0])[1], ["y", {}]);
});

test("a style lasts over lines until it is reset, in any order of setting", () => {
  const [one, two, three] = parse("\x1b[1;31ma\nb\x1b[m\nc");
  assert.deepEqual(runs(one), runs({ ...two!, text: "a" }));
  assert.equal(three?.runs, undefined);
  const [x] = parse("\x1b[1;31ma\x1b[0m\x1b[31m\x1b[1mb");
  assert.equal(x?.runs?.length, 1);
});

test("a carriage return overwrites, as a progress bar means it", () => {
  assert.deepEqual(texts("10%\r20%\r100%\n"), ["100%"]);
  assert.deepEqual(texts("hello\rJ\n"), ["Jello"]);
  assert.deepEqual(texts("a long line\r\x1b[Kshort\n"), ["short"]);
  assert.deepEqual(texts("abc\b\bX\n"), ["aXc"]);
  assert.deepEqual(runs(parse("abcdef\rx\x1b[31myz\n")[0]), [
    ["x", {}],
    ["yz", { fg: palette(1) }],
    ["def", {}],
  ]);
});

test("all other sequences are dropped", () => {
  assert.deepEqual(texts("\x1b]0;title\x07a\x1b]8;;http://evil\x1b\\b\x1b]8;;\x1b\\c\n"), ["abc"]);
  assert.deepEqual(texts("\x1b[2J\x1b[10;20H\x1b[?25la\x1b(B\x1b=b\x1b7\x1b[1Ac\x07\x00\n"), ["abc"]);
  assert.deepEqual(texts("\x9b31mred\x1bPdcs\x1b\\!\n"), ["red!"]);
});

test("a sequence that never ends hides no line", () => {
  assert.deepEqual(texts("a\x1b]0;forever\nb\n"), ["a", "b"]);
  assert.deepEqual(texts("a\x1b[" + "1;".repeat(1000) + "\nb\n"), ["a", "b"]);
  assert.deepEqual(texts("a\x1b[" + "1;".repeat(1000) + "mb\n"), ["ab"]);
});

test("nonsense in a colour changes nothing", () => {
  assert.deepEqual(texts("\x1b[38mx\x1b[38;5my\x1b[38;2;1mz\x1b[999;?1mw\n"), ["xyzw"]);
  assert.deepEqual(parse("\x1b[38;99m\x1b[>4;2mx")[0]?.runs, undefined);
});

test("markup is text", () => {
  assert.deepEqual(parse("<img src=x onerror=alert(1)>\n"), [{ text: "<img src=x onerror=alert(1)>" }]);
});

test("every colour becomes legible on every background", () => {
  const backgrounds = [0x0f141b, 0x0a0e13, 0xffffff, 0x808080, 0xff0000, 0x00ff00];
  for (let n = 0; n < 256; n++)
    for (const b of backgrounds) assert.ok(contrast(legible(palette(n), b), b) >= 4.5, `${n} on ${b.toString(16)}`);
  assert.equal(legible(0xffffff, 0x0f141b), 0xffffff);
});
