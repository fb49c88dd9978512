import assert from "node:assert/strict";
import { test } from "node:test";
import { LogStore, type Frame } from "./log-store";

const now = (run: () => void) => run();
const size = (s: string) => new TextEncoder().encode(s).length;

function frames(...pieces: string[]): Frame[] {
  let offset = 0;
  return pieces.map((data) => ({ offset, next: (offset += size(data)), data }));
}
function filled(all: Frame[]) {
  const store = new LogStore(now);
  all.forEach((f) => store.append(f));
  return store;
}

test("a line cut over frames is one line, and is seen before it ends", () => {
  const store = filled(frames("one\ntw", "o\nthr"));
  assert.equal(store.getSnapshot().lines, 3);
  assert.equal(store.text(), "one\ntwo\nthr\n");
  assert.equal(store.line(2)?.text, "thr");
});

test("bytes that come twice are taken once, also where frames overlap", () => {
  const [a, b, c] = frames("é1\n", "2\n", "3\n") as [Frame, Frame, Frame];
  const store = filled([a, b, a, b, { offset: 0, next: c.next, data: "é1\n2\n3\n" }, c]);
  assert.equal(store.text(), "é1\n2\n3\n");
  assert.equal(store.offset, c.next);
});

test("bytes that are gone are said to be", () => {
  const store = filled([
    { offset: 1000, next: 1002, data: "a\n" },
    { offset: 1010, next: 1012, data: "b\n" },
  ]);
  assert.match(store.text(), /^… 1,000 bytes before this .*\na\n… 8 bytes of the log are missing here …\nb\n$/);
});

test("the last line need not end", () => {
  const store = filled([...frames("a\nb"), { offset: 3, next: 3, final: true }]);
  assert.deepEqual({ ...store.getSnapshot(), hits: 0 }, { lines: 2, longest: 1, final: true, hits: 0, bytes: 3 });
});

test("a search finds what is there and what comes", () => {
  const store = filled(frames("Error: x\nfine\n"));
  store.find({ text: "error", matchCase: false });
  assert.deepEqual(store.getSnapshot().hits, [0]);
  const at = store.offset;
  store.append({ offset: at, next: at + 9, data: "an ERROR\n" });
  assert.deepEqual(store.getSnapshot().hits, [0, 2]);
  store.find({ text: "ERROR", matchCase: true });
  assert.deepEqual(store.getSnapshot().hits, [2]);
  store.find({ text: "(.*", matchCase: true });
  assert.deepEqual(store.getSnapshot().hits, []);
});

test("views are told once however much comes between", () => {
  const waiting: (() => void)[] = [];
  const store = new LogStore((run) => waiting.push(run));
  let told = 0;
  store.subscribe(() => told++);
  frames("a\n", "b\n", "c\n").forEach((f) => store.append(f));
  assert.equal(waiting.length, 1);
  waiting.forEach((run) => run());
  assert.equal(told, 1);
  assert.equal(store.getSnapshot().lines, 3);
});

test("100,000 coloured lines are taken and searched", () => {
  const store = new LogStore(now);
  const line = "2026-11-22T05:00:00Z \x1b[32mINFO\x1b[0m compiling package number N of many others, all of them alike\n";
  const chunk = line.repeat(500);
  for (let i = 0, offset = 0; i < 200; i++, offset += chunk.length)
    store.append({ offset, next: offset + chunk.length, data: chunk });
  store.find({ text: "number n of", matchCase: false });
  assert.equal(store.getSnapshot().lines, 100_000);
  assert.equal(store.getSnapshot().hits.length, 100_000);
});
