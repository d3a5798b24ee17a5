import assert from "node:assert/strict";
import { test } from "node:test";
import { isHidden, LINE_LIMIT, progressOf, StepLog, unfold } from "../src/log/lines";

const time = "2026-11-21T12:00:00Z";

function logOf(...pieces: [line: number, text: string][]): StepLog {
  const log = new StepLog("s1");
  for (const [line, text] of pieces) log.add({ line, text, time });
  return log;
}

const texts = (log: StepLog): string[] => log.lines.map((line) => line.text);

test("pieces may begin and end anywhere", () => {
  const log = logOf([1, "one\ntw"], [2, "o\nthr"], [3, "ee"]);
  assert.deepEqual(texts(log), ["one", "two", "three"]);
  assert.deepEqual(log.lines.map((line) => line.number), [1, 2, 3]);
});

test("empty lines count", () => {
  assert.deepEqual(texts(logOf([1, "\n\na\n"])), ["", "", "a"]);
});

test("a piece that ends with a line end opens no further line", () => {
  assert.equal(logOf([1, "a\n"]).lines.length, 1);
});

test("a carriage return starts the line anew, also across pieces", () => {
  assert.deepEqual(texts(logOf([1, "10%\r20%"], [1, "\r30%\n"])), ["30%"]);
});

test("a progress line that ends in a carriage return stays visible", () => {
  const log = logOf([1, "50%\r"]);
  assert.equal(log.lines[0]?.text.replace(/\r+$/, ""), "50%");
  log.add({ line: 1, text: "60%\r", time });
  assert.equal(log.lines[0]?.text.replace(/\r+$/, ""), "60%");
});

test("line ends of Windows leave nothing behind, also when they are cut in two", () => {
  assert.deepEqual(texts(logOf([1, "a\r\nb\r"], [2, "\nc\n"])), ["a", "b", "c"]);
});

test("a colour survives a carriage return", () => {
  assert.equal(logOf([1, "\x1b[32mold\rnew\n"]).lines[0]?.style.fg, 2);
});

test("a huge line is cut and says by how much", () => {
  const line = logOf([1, "x".repeat(LINE_LIMIT + 5)], [1, "y".repeat(10)]).lines[0];
  assert.equal(line?.text.length, LINE_LIMIT);
  assert.equal(line?.more, 15);
});

test("a closed group folds unless an error is inside", () => {
  const log = logOf([1, "::group::good\nfine\n::endgroup::\n::group::bad\nerror: no\n::endgroup::\nafter\n"]);
  const hidden = log.lines.map(isHidden);
  assert.deepEqual(hidden, [false, true, true, false, false, true, false]);
  assert.equal(log.lines[0]?.opens?.size, 1);
});

test("groups in groups fold with the outer one and unfold for a line that is looked for", () => {
  const log = logOf([1, "::group::a\n::group::b\nx\n::endgroup::\n::endgroup::\n"]);
  const inner = log.lines[2]!;
  assert.equal(isHidden(inner), true);
  unfold(inner);
  assert.equal(isHidden(inner), false);
});

test("markers are read with and without properties, and only at the beginning", () => {
  const log = logOf([1, "::error::broken\n::warning file=a.sh::careful\nsee ::error::this\n::nonsense::x\n"]);
  assert.deepEqual(log.lines.map((line) => [line.kind, line.body]), [["error", "broken"], ["warning", "careful"], ["line", ""], ["line", ""]]);
});

test("errors are found by marker and by word", () => {
  const log = logOf([1, "::error::x\nTraceback (most recent call last):\n0 errors\nall good\n"]);
  assert.deepEqual(log.errors.map((line) => line.number), [1, 2]);
});

test("progress is a number from 0 to 100 with words after it", () => {
  assert.deepEqual(progressOf("40 copying"), { percent: 40, label: "copying" });
  assert.deepEqual(progressOf("250"), { percent: 100, label: "" });
  assert.equal(progressOf("soon"), null);
});

test("a line is found by its number after the first ones were forgotten", () => {
  const log = logOf([1, "a\nb\nc\nd\n"]);
  log.dropFirst(2);
  assert.equal(log.lineAt(3)?.text, "c");
  assert.equal(log.lineAt(1), undefined);
});

test("a marker that arrives in pieces is one, however it is cut", () => {
  const text = "::group::copy\n::progress::40 copying\n\x1b[31m::error::disk full\x1b[0m\nx ::error::no marker\n::endgroup::\n";
  for (let size = 1; size < text.length; size += 3) {
    const log = new StepLog("s1");
    for (let at = 0; at < text.length; at += size) {
      log.add({ line: text.slice(0, at).split("\n").length, text: text.slice(at, at + size), time });
    }
    assert.deepEqual(log.lines.map((line) => line.kind), ["group", "progress", "error", "line", "endgroup"]);
    assert.deepEqual(log.progress, { percent: 40, label: "copying" });
    assert.equal(log.lines[0]?.opens?.folded, false);
  }
});

test("a marker is not taken for one before its line has ended", () => {
  const log = logOf([1, "::error::disk"]);
  assert.deepEqual([log.lines[0]?.kind, log.errors.length], ["line", 0]);
  log.finish();
  assert.deepEqual([log.lines[0]?.kind, log.lines[0]?.body, log.errors.length], ["error", "disk", 1]);
});

test("the group in which a script died stays open", () => {
  const log = logOf([1, "::group::copy\none\n"]);
  log.finish();
  assert.equal(isHidden(log.lines[1]!), false);
});

test("progress ends with its step", () => {
  const log = logOf([1, "::progress::40 copying\n"]);
  assert.equal(log.progress?.percent, 40);
  log.finish();
  assert.equal(log.progress, null);
});

test("100,000 lines in groups, with markers among them, are all there", () => {
  const chapter = `::group::chapter\n${"a line\n".repeat(95)}::warning::w\n::progress::7\n::error::e\n::endgroup::\n`;
  const log = logOf([1, chapter.repeat(1000)]);
  assert.equal(log.lines.length, 100_000);
  assert.equal(log.errors.length, 1000);
  assert.equal(log.lines.filter((line) => !isHidden(line)).length, 98_000); // each chapter has an error: all stay open
});
