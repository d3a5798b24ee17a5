import assert from "node:assert/strict";
import { test } from "node:test";
import { EventParser } from "../src/log/stream";

test("events are read however the bytes are cut", () => {
  const text = 'id: 1\nevent: status\ndata: {"a":1}\n\n: heartbeat\n\nid: 2\nevent: output\ndata: x\ndata: y\n\n';
  for (let size = 1; size < text.length; size++) {
    const parser = new EventParser();
    const events = [];
    for (let at = 0; at < text.length; at += size) events.push(...parser.feed(text.slice(at, at + size)));
    assert.deepEqual(events, [
      { id: "1", type: "status", data: '{"a":1}' },
      { id: "2", type: "output", data: "x\ny" },
    ]);
  }
});

test("an event that is not complete is not told", () => {
  assert.deepEqual(new EventParser().feed("id: 1\ndata: half"), []);
});
