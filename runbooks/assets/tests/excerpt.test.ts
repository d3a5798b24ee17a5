import assert from "node:assert/strict";
import { test } from "node:test";
import { excerptOf } from "../src/log/excerpt";
import { Store } from "../src/log/store";

const where = { step: "main", node: "web-1", attempt: 2 };
const time = "2026-11-21T12:00:00Z";
const rows = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, at) => JSON.stringify({ ...where, line: from + at, time, text: `line ${from + at}` })).join("\n");

test("an excerpt has its lines under their own numbers and the step's name in links", () => {
  const log = excerptOf(`${rows(4000, 4010)}\n`, where, 4005);
  assert.equal(log?.slug, "main@web-1~2");
  assert.equal(log?.lineAt(4005)?.text, "line 4005");
  assert.equal(log?.lineAt(3999), undefined);
  assert.equal(log?.lines.length, 11);
});

test("there is no excerpt around a line that the step does not have", () => {
  assert.equal(excerptOf(rows(1, 3), where, 9), null);
  assert.equal(excerptOf("", where, 1), null);
});

test("a stream that begins in the middle of a line leaves that line out and counts what is missing", () => {
  const store = new Store();
  const piece = { step_run: "s1", step: "main", node: "", time };
  store.add({ ...piece, step_offset: 900, line: 50, text: "half a line" });
  store.add({ ...piece, step_offset: 911, line: 50, text: " and its end\nwhole\nnext" });
  const log = store.steps[0]!;
  assert.deepEqual(log.lines.map((line) => [line.number, line.text]), [[51, "whole"], [52, "next"]]);
  assert.equal(store.dropped, 50);
});

test("a stream that begins at the beginning leaves nothing out", () => {
  const store = new Store();
  store.add({ step_run: "s1", step: "main", node: "", time, step_offset: 0, line: 1, text: "a\nb\n" });
  assert.equal(store.steps[0]!.lines.length, 2);
  assert.equal(store.dropped, 0);
});
