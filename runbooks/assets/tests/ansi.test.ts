import assert from "node:assert/strict";
import { test } from "node:test";
import { NONE, PLAIN, plainText, segmentsOf, styleAfter, TRUE_COLOUR } from "../src/log/ansi";

const shown = (text: string): string => segmentsOf(text, PLAIN).map((segment) => segment.text).join("");

test("colours of 16, 256 and true colour are understood, with semicolons and with colons", () => {
  assert.equal(styleAfter("\x1b[31m", PLAIN).fg, 1);
  assert.equal(styleAfter("\x1b[97m", PLAIN).fg, 15);
  assert.equal(styleAfter("\x1b[48;5;208m", PLAIN).bg, 208);
  assert.equal(styleAfter("\x1b[38;2;255;128;0m", PLAIN).fg, TRUE_COLOUR | 0xff8000);
  assert.equal(styleAfter("\x1b[38:2::255:128:0m", PLAIN).fg, TRUE_COLOUR | 0xff8000);
  assert.equal(styleAfter("\x1b[38;5;9;1m", PLAIN).bold, true);
});

test("a reset ends everything, an empty sequence is a reset", () => {
  assert.deepEqual(styleAfter("\x1b[1;4;31;42m\x1b[m", PLAIN), PLAIN);
});

test("colours out of range are ignored", () => {
  assert.equal(styleAfter("\x1b[38;5;999m", PLAIN).fg, NONE);
  assert.equal(styleAfter("\x1b[38;2;300;0;0m", PLAIN).fg, NONE);
});

test("a style goes on where the line before ended", () => {
  const [first] = segmentsOf("still green", styleAfter("\x1b[32mgreen", PLAIN));
  assert.equal(first?.style.fg, 2);
});

test("nothing can be concealed", () => {
  assert.equal(shown("\x1b[8mpassword\x1b[0m"), "password");
});

test("every other sequence is shown, inert", () => {
  assert.equal(shown("\x1b[2J\x1b[1A"), "<ESC>[2J<ESC>[1A");
  assert.equal(shown("\x1b]8;;https://evil.example\x07click\x1b]8;;\x07"), "<ESC>]8;;https://evil.example<BEL>click<ESC>]8;;<BEL>");
  assert.equal(shown("a\x00b\x08c\x7fd\x9be"), "a<NUL>b<BS>c<DEL>d<U+009B>e");
});

test("text that is turned around or made invisible is shown as what it is", () => {
  assert.equal(shown("user\u202egnp.exe"), "user<U+202E>gnp.exe");
  assert.equal(shown("a\u200bb\u2066c"), "a<U+200B>b<U+2066>c");
});

test("tabs, letters and emoji are left alone", () => {
  assert.equal(shown("a\tb é 日本 👩‍🚒"), "a\tb é 日本 👩‍🚒");
});

test("the plain text has no colours but keeps everything else", () => {
  assert.equal(plainText("\x1b[31merror\x1b[0m: \x1b[2J"), "error: \x1b[2J");
});
