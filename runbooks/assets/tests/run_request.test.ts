import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { asCommand, asCurl, asLink, type Request } from "../src/lib/run_request";

const NASTY = "it's \"$HOME\" `id` \\ \n two; rm -rf / & é";
const asked: Request = {
  runbook: "demo/restart",
  values: [["host", NASTY], ["count", 3], ["dry", false]],
  reason: "don't ask",
  version: null,
};

/** The words that a real shell makes of a command line. */
function words(command: string): string[] {
  const script = `curl() { opsaas "$@"; }; opsaas() { for word in "$@"; do printf '%s\\0' "$word"; done; }; ${command}`;
  const { stdout } = spawnSync("sh", ["-c", script], { encoding: "utf8", env: { ...process.env, OPSAAS_TOKEN: "ops_x" } });
  return stdout.split("\0").slice(0, -1);
}

test("a command line carries every value through a shell as it is", () => {
  assert.deepEqual(words(asCommand(asked)), [
    "run", "demo/restart", "-p", `host=${NASTY}`, "-p", "count=3", "-p", "dry=false", "--reason", "don't ask", "--follow",
  ]);
});

test("curl sends the values in their own types", () => {
  const [, body, , header, address] = words(asCurl(asked, "http://127.0.0.1:8000"));
  assert.deepEqual(JSON.parse(body ?? ""), {
    runbook: "demo/restart",
    parameters: { host: NASTY, count: 3, dry: false },
    reason: "don't ask",
  });
  assert.equal(header, "Authorization: Bearer ops_x");
  assert.equal(address, "http://127.0.0.1:8000/api/v1/runs");
});

test("a link names every value and reads back the same", () => {
  const link = new URL(asLink(asked, "http://127.0.0.1:8000/runbooks/demo/restart/run"));
  assert.equal(link.searchParams.get("p-host"), NASTY);
  assert.equal(link.searchParams.get("p-dry"), "false");
  assert.equal(link.searchParams.get("reason"), "don't ask");
});

test("without values a link is the form's own address", () => {
  assert.equal(asLink({ ...asked, values: [], reason: "" }, "/run"), "/run");
});

test("another version than the published one is named", () => {
  assert.match(asCommand({ ...asked, version: 4 }), / --version 4 --follow$/);
  assert.match(asCurl({ ...asked, version: 4 }, ""), /"version":4/);
});

test("several choices are named one by one, and are a list in JSON", () => {
  const several: Request = { ...asked, values: [["days", ["mon", "two words"]]], reason: "" };
  assert.deepEqual(words(asCommand(several)), ["run", "demo/restart", "-p", "days=mon", "-p", "days=two words", "--follow"]);
  assert.deepEqual(new URL(asLink(several, "http://127.0.0.1/run")).searchParams.getAll("p-days"), ["mon", "two words"]);
  assert.match(asCurl(several, ""), /"days":\["mon","two words"\]/);
});

test("a file is read by the command line, and left to be put in elsewhere", () => {
  const chosen: Request = { ...asked, values: [["list", { file: "my list.csv" }]], reason: "" };
  assert.deepEqual(words(asCommand(chosen)), ["run", "demo/restart", "-p", "list=@my list.csv", "--follow"]);
  assert.match(asCurl(chosen, ""), /"list":\{"name":"my list.csv","content":"BASE64"\}/);
  assert.equal(asLink(chosen, "/run"), "/run");
});
