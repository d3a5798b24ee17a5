import assert from "node:assert/strict";
import { test } from "node:test";
import { contrast, readable, rgbOf } from "../src/log/colour";
import { Layout } from "../src/log/layout";
import { StepLog } from "../src/log/lines";
import { Selection } from "../src/log/selection";
import { clock, duration } from "../src/lib/times";

const measures = { row: 20, heading: 40, columns: 0 };

function stepOf(text: string): StepLog {
  const log = new StepLog("s");
  log.step = "main";
  log.add({ line: 1, text, time: "2026-11-21T12:00:00Z" });
  return log;
}

test("rows follow each other, headings included", () => {
  const layout = new Layout();
  layout.build([stepOf("a\nb\n"), stepOf("c\n")], true, measures);
  assert.equal(layout.rows.length, 5);
  assert.equal(layout.height, 2 * 40 + 3 * 20);
  assert.equal(layout.indexAt(0), 0);
  assert.equal(layout.indexAt(39), 0);
  assert.equal(layout.indexAt(40), 1);
  assert.equal(layout.indexAt(1e9), 4);
});

test("a wrapped line takes as many rows as it needs, colours not counted, until it was measured", () => {
  const layout = new Layout();
  const step = stepOf(`${"x".repeat(25)}\n\x1b[31mred\x1b[0m\n`);
  const wrapped = { ...measures, columns: 10 };
  layout.build([step], false, wrapped);
  assert.equal(layout.height, 60 + 20);
  assert.equal(layout.measured(step.lines[1]!, 40, wrapped), true);
  layout.place(wrapped);
  assert.equal(layout.height, 60 + 40);
});

test("100,000 rows are placed", () => {
  const layout = new Layout();
  const step = stepOf("line\n".repeat(100_000));
  layout.build([step], false, measures);
  assert.equal(layout.topOf(99_999), 99_999 * 20);
});

test("every palette colour is made readable on both papers", () => {
  for (const paper of [[252, 253, 254], [11, 15, 20]] as const) {
    for (let index = 0; index < 256; index++) {
      assert.ok(contrast(readable(rgbOf(index), paper), paper) >= 4.5, `${index}`);
    }
  }
});

test("addresses of lines and ranges are read and written", () => {
  const selection = new Selection();
  assert.equal(selection.readHash("#main@web-1~2-L140-L120"), true);
  assert.deepEqual([selection.slug, selection.from, selection.to], ["main@web-1~2", 120, 140]);
  assert.equal(selection.hash, "#main@web-1~2-L120-L140");
  assert.equal(selection.readHash("#main"), true);
  assert.equal(selection.hash, "");
  assert.equal(selection.readHash(""), false);
});

test("lengths of time read well", () => {
  assert.deepEqual([0.44, 12, 185, 7440, 180000].map(duration), ["0.4 s", "12 s", "3 min 5 s", "2 h 4 min", "2 d 2 h"]);
  assert.deepEqual([3250, 727000, 3723000].map(clock), ["0:03.25", "12:07.00", "1:02:03"]);
});
