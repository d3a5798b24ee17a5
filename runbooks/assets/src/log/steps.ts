// What the page shows of the run besides its log: the status and duration in the header, the list of steps.
import { all, element } from "../lib/dom";
import { duration } from "../lib/times";
import type { StepLog } from "./lines";
import { badgeOf, progressBar } from "./render";

export interface RunStatus {
  status: string;
  started_at: string | null;
  finished_at: string | null;
  exit_code: number | null;
  output_complete: boolean;
}

export interface StepStatus {
  id: string;
  step: string;
  node: string;
  attempt: number;
  status: string;
  exit_code: number | null;
  started_at: string | null;
  finished_at: string | null;
  detail: string;
  cleanup: boolean;
}

const FINAL = new Set(["succeeded", "failed", "timed_out", "cancelled", "denied", "expired", "refused", "lost"]);
const TITLE_MARKS: Record<string, string> = { succeeded: "✓ ", running: "… ", queued: "… ", waiting: "‖ ", awaiting_approval: "‖ " };

export function isFinal(status: string): boolean {
  return FINAL.has(status);
}

/** Elements anywhere on the page: [data-run-status], [data-run-duration], [data-run-exit]. */
export function showRun(run: RunStatus, title: string): void {
  for (const place of all(document, "[data-run-status]")) replaceBadge(place, run.status);
  for (const place of all(document, "[data-run-duration]")) setClock(place, run.started_at, run.finished_at);
  document.title = `${TITLE_MARKS[run.status] ?? (isFinal(run.status) ? "✗ " : "")}${title}`;
}

/** <ol data-steps> with <li data-step-run="id">; a step run that the page does not know yet is added at its end. */
export function showStep(step: StepStatus, slug: string): void {
  for (const list of all(document, "[data-steps]")) {
    const item = list.querySelector(`[data-step-run="${CSS.escape(step.id)}"]`) ?? addItem(list, step, slug);
    const badge = item.querySelector("[data-step-status]");
    if (badge) replaceBadge(badge, step.status);
    const clock = item.querySelector<HTMLElement>("[data-step-duration]");
    if (clock) setClock(clock, step.started_at, step.finished_at);
    const detail = item.querySelector("[data-step-detail]");
    if (detail) detail.textContent = step.detail;
  }
}

/** The bar of a step in the list; gone once the step has ended. */
export function showProgress(step: StepLog): void {
  const said = step.progress ? `${step.progress.percent} ${step.progress.label}` : "";
  for (const item of all(document, `[data-steps] [data-step-run="${CSS.escape(step.id)}"]`)) {
    if ((item.dataset["progress"] ?? "") === said) continue;
    item.dataset["progress"] = said;
    item.querySelector(".step-progress")?.remove();
    if (said) item.append(progressBar(step));
  }
}

function addItem(list: Element, step: StepStatus, slug: string): Element {
  const item = element("li", "run-step");
  item.dataset["stepRun"] = step.id;
  const link = element("a", "step-name", step.step + (step.node ? ` · ${step.node}` : "") + (step.attempt > 1 ? ` · ${step.attempt}` : "") + (step.cleanup ? " · cleanup" : ""));
  link.href = `#${encodeURI(slug)}`;
  const [status, clock, detail] = [element("span"), element("span", "step-clock num soft"), element("span", "step-detail soft")];
  status.dataset["stepStatus"] = "";
  clock.dataset["stepDuration"] = "";
  detail.dataset["stepDetail"] = "";
  item.append(link, status, clock, detail);
  list.append(item);
  return item;
}

function replaceBadge(place: Element, status: string): void {
  const old = place.querySelector("[data-status]");
  if (old?.getAttribute("data-status") === status) return;
  const badge = badgeOf(status);
  if (!badge) return;
  for (const size of ["status-large", "status-bare"]) if (old?.classList.contains(size)) badge.classList.add(size);
  place.replaceChildren(badge);
}

function setClock(place: HTMLElement, started: string | null, finished: string | null): void {
  place.dataset["started"] = started ?? "";
  place.dataset["finished"] = finished ?? "";
  tick(place);
}

function tick(clock: HTMLElement): void {
  const started = Date.parse(clock.dataset["started"] ?? "");
  if (Number.isNaN(started)) return;
  const finished = Date.parse(clock.dataset["finished"] ?? "");
  const seconds = ((Number.isNaN(finished) ? Date.now() : finished) - started) / 1000;
  clock.textContent = duration(Number.isNaN(finished) ? Math.floor(seconds) : seconds);
}

/** Running clocks go on by themselves. */
export function keepClocksGoing(): void {
  setInterval(() => {
    if (document.hidden) return;
    for (const clock of all(document, "[data-run-duration], [data-step-duration]")) if (!clock.dataset["finished"]) tick(clock);
  }, 1000);
}
