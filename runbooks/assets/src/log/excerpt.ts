// Lines from the middle of a log that the page has not loaded, fetched by their numbers.
import { StepLog } from "./lines";

export interface Where {
  step: string;
  node: string;
  attempt: number;
}

interface FetchedLine extends Where {
  line: number;
  time: string;
  text: string;
}

export const EXCERPT_LINES = 2000;

/** EXCERPT_LINES lines of a step around a number, as a log of their own; null where the step has no such line. */
export async function fetchExcerpt(url: string, where: Where, around: number): Promise<StepLog | null> {
  const first = Math.max(1, around - EXCERPT_LINES / 2);
  const query = new URLSearchParams({
    step: where.step,
    node: where.node,
    attempt: String(where.attempt),
    line: String(first),
    limit: String(EXCERPT_LINES),
  });
  const response = await fetch(`${url}${url.includes("?") ? "&" : "?"}${query}`, { headers: { Accept: "application/jsonl" } });
  if (!response.ok) throw new Error(`The log answered ${response.status}`);
  return excerptOf(await response.text(), where, around);
}

export function excerptOf(text: string, where: Where, around: number): StepLog | null {
  const log = new StepLog(`excerpt:${where.step}@${where.node}~${where.attempt}`);
  log.step = where.step;
  log.node = where.node;
  log.attempt = where.attempt;
  log.foldClosedGroups = false;
  for (const row of text.split("\n")) {
    if (!row) continue;
    const { line, time, text: words } = JSON.parse(row) as FetchedLine;
    if (log.lines[log.lines.length - 1]?.number !== line) log.add({ line, time, text: `${words}\n` });
  }
  return log.lineAt(around) ? log : null;
}
