// How fast and how well a service answered, from its request log of JSON lines. Reads one file.
import { createReadStream, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const FINE = 0, FINDING = 1, UNKNOWN = 2;
const [red, yellow, green, dim, reset] = ["\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[2m", "\x1b[0m"];

const path = process.env.OPSAAS_PARAM_PATH;
const groupBy = process.env.OPSAAS_PARAM_GROUP_BY;
const count = Number(process.env.OPSAAS_PARAM_COUNT);
const budget = Number(process.env.OPSAAS_PARAM_BUDGET_MS);
const mostErrors = Number(process.env.OPSAAS_PARAM_ERROR_PERCENT);

const leave = (variable, text) => writeFileSync(process.env[variable] ?? "/dev/null", text);
// Who calls the service chooses its paths: nothing of them may reach a terminal or Markdown as it is.
const printable = (text) => text.replace(/[^\x20-\x7e]/g, "?").slice(0, 80);
const markdown = (text) => text.replace(/[\\`*_{}[\]<>|#~]/g, "\\$&");

function finish(code, sentence, rest = "") {
  const mark = ["", "**Act:** ", "**Could not tell:** "][code];
  console.log(code === FINE ? `${green}${sentence}${reset}` : `::error::${sentence}`);
  leave("OPSAAS_SUMMARY_FILE", `${mark}${markdown(sentence)}\n${rest}`);
  process.exitCode = code;
}

// "/orders/4711?x=y" and "/orders/12" are one route.
const route = (address) => address.replace(/\?.*/s, "").replace(/\/(\d+|[0-9a-f-]{32,36})(?=\/|$)/gi, "/:id");
const keyOf = {
  route: (request) => `${request.method} ${route(request.path)}`,
  status: (request) => String(request.status),
  hour: (request) => `${request.time.slice(0, 13)}:00`,
}[groupBy];

function asRequest(line) {
  try {
    const { time, method, path: address, status, ms } = JSON.parse(line);
    const texts = [time, method, address].every((text) => typeof text === "string");
    return texts && Number.isInteger(status) && Number.isFinite(ms) ? { time, method, path: address, status, ms } : null;
  } catch {
    return null;
  }
}

async function read() {
  const groups = new Map();
  const totals = { lines: 0, requests: 0, errors: 0, unread: 0 };
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    totals.lines += 1;
    const request = asRequest(line);
    if (request === null) {
      totals.unread += line.trim() ? 1 : 0;
      continue;
    }
    const key = printable(keyOf(request));
    const group = groups.get(key) ?? { key, times: [], errors: 0 };
    groups.set(key, group);
    group.times.push(request.ms);
    group.errors += request.status >= 500 ? 1 : 0;
    totals.errors += request.status >= 500 ? 1 : 0;
    totals.requests += 1;
  }
  return { groups: [...groups.values()], totals };
}

// The smallest time that this share of the requests did not exceed.
const percentile = (sorted, share) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];

function measure(group) {
  const sorted = group.times.sort((a, b) => a - b);
  const [p50, p95] = [percentile(sorted, 0.5), percentile(sorted, 0.95)];
  return { ...group, number: sorted.length, p50, p95, worst: sorted[sorted.length - 1], slow: p95 > budget };
}

function show(measured) {
  console.log(`${dim}${"".padEnd(36)} requests    errors  p50 ms  p95 ms  worst ms${reset}`);
  for (const { key, number, errors, p50, p95, worst, slow } of measured) {
    const figures = [[number, 9], [errors, 10], [p50, 8], [p95, 8], [worst, 10]];
    const colour = slow ? red : errors ? yellow : "";
    console.log(`${colour}${key.padEnd(36)}${figures.map(([figure, width]) => String(figure).padStart(width)).join("")}${reset}`);
  }
  const rows = measured.map((m) => `| ${markdown(m.key)} | ${m.number} | ${m.errors} | ${m.p50} | ${m.p95} | ${m.worst} |`);
  return ["", `| ${groupBy} | requests | errors | p50 ms | p95 ms | worst ms |`, "|---|---:|---:|---:|---:|---:|", ...rows, ""].join("\n");
}

function judge({ groups, totals }) {
  if (totals.requests === 0) {
    finish(UNKNOWN, "No line of the file is a request: each must be JSON with time, method, path, status and ms.");
    return;
  }
  const byKey = (a, b) => (a.key < b.key ? -1 : 1);
  const all = groups.map(measure).sort(groupBy === "route" ? (a, b) => b.p95 - a.p95 || byKey(a, b) : byKey);
  const table = show(all.slice(0, count));
  if (all.length > count) console.log(`(${all.length - count} more)`);
  if (totals.unread) console.log(`::warning::${totals.unread} of ${totals.lines} lines are not requests and were left out.`);
  const share = (100 * totals.errors) / totals.requests;
  const slow = all.filter((group) => group.slow);
  const outputs = { requests: totals.requests, errors: totals.errors, error_percent: share.toFixed(2), slow: slow.length, worst_p95_ms: Math.max(...all.map((group) => group.p95)) };
  leave("OPSAAS_OUTPUT_FILE", Object.entries(outputs).map(([name, value]) => `${name}=${value}\n`).join(""));
  console.log();
  const findings = [];
  if (share > mostErrors) findings.push(`${share.toFixed(2)} % of the requests failed (${mostErrors} % are accepted)`);
  if (slow.length) findings.push(`p95 above ${budget} ms: ${slow.slice(0, 5).map((group) => group.key).join(", ")}`);
  if (findings.length) finish(FINDING, `${findings.join("; ")}.`, table);
  else finish(FINE, `${totals.requests} requests, ${share.toFixed(2)} % failed, every p95 within ${budget} ms.`, table);
}

try {
  judge(await read());
} catch (error) {
  finish(UNKNOWN, `${printable(path)} cannot be read: ${error.message.replace(/[^\x20-\x7e]/g, "?")}.`);
}
