import { all } from "./dom";
import { text } from "./texts";

const STEPS: [limit: number, seconds: number, unit: Intl.RelativeTimeFormatUnit][] = [
  [60, 1, "second"],
  [3600, 60, "minute"],
  [86400, 3600, "hour"],
  [86400 * 30, 86400, "day"],
  [86400 * 365, 86400 * 30, "month"],
  [Infinity, 86400 * 365, "year"],
];

export function relative(then: Date, now: Date, locale?: string): string {
  const seconds = (then.getTime() - now.getTime()) / 1000;
  if (Math.abs(seconds) < 5) return text("times.now");
  const [, size, unit] = STEPS.find(([limit]) => Math.abs(seconds) < limit) ?? STEPS[0]!;
  return new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(Math.trunc(seconds / size), unit);
}

/** Seconds as people read them: "0.4 s", "12 s", "3 min 5 s", "2 h 4 min", "3 d 2 h". The server says the same. */
export function duration(seconds: number): string {
  if (seconds < 0) return "0 s";
  if (seconds < 10) return `${Math.floor(seconds * 10) / 10} s`;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return pair(whole, 60, "min", 1, "s");
  if (whole < 86400) return pair(whole, 3600, "h", 60, "min");
  return pair(whole, 86400, "d", 3600, "h");
}

function pair(seconds: number, big: number, bigUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((seconds % big) / small);
  const head = `${Math.floor(seconds / big)} ${bigUnit}`;
  return rest ? `${head} ${rest} ${smallUnit}` : head;
}

/** Milliseconds as a stopwatch shows them: "0:03.25", "12:07.00", "1:02:03". */
export function clock(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${Math.floor(seconds / 60)}:${two(seconds % 60)}.${two((milliseconds % 1000) / 10)}`;
}

export function utc(moment: Date): string {
  return `${moment.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

export function local(moment: Date): string {
  return moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
}

/** Keeps every <time data-when> under `root` current and gives it UTC and local time on hover. */
export function refreshTimes(root: ParentNode, now = new Date()): void {
  for (const node of all<HTMLTimeElement>(root, "time[data-when]")) {
    const moment = new Date(node.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    if (node.dataset["when"] !== "absolute") node.textContent = relative(moment, now, document.documentElement.lang);
    node.title = `${utc(moment)}\n${local(moment)}`;
  }
}

export function keepTimesFresh(): void {
  refreshTimes(document);
  setInterval(() => document.hidden || refreshTimes(document), 15_000);
  document.addEventListener("visibilitychange", () => document.hidden || refreshTimes(document));
  document.addEventListener("htmx:load", (event) => event.target instanceof Element && refreshTimes(event.target));
}
