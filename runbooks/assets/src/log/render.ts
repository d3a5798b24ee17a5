// One row of the log as an element.
import { element, icon } from "../lib/dom";
import { text as words } from "../lib/texts";
import { clock } from "../lib/times";
import { segmentsOf, type Segment } from "./ansi";
import { paintOf } from "./colour";
import type { Row } from "./layout";
import { isStep } from "./layout";
import type { Line, StepLog } from "./lines";

export type Stamps = "off" | "relative" | "absolute";

export interface Look {
  stamps: Stamps;
  since: number; // what relative times count from
  dark: boolean;
  find: string; // lower case; "" for nothing
  isSelected(line: Line): boolean;
  isCurrentMatch(line: Line): boolean;
}

const DRAWN_LIMIT = 10_000; // characters; the raw log has the rest
const BADGES: Partial<Record<Line["kind"], { icon: string; tone: string; text: string }>> = {
  notice: { icon: "info-circle", tone: "busy", text: "log.notice" },
  warning: { icon: "alert-triangle", tone: "warn", text: "log.warning" },
  error: { icon: "alert-circle", tone: "bad", text: "log.error" },
};

export function renderRow(row: Row, look: Look): HTMLElement {
  return isStep(row) ? renderHeading(row) : renderLine(row, look);
}

function renderHeading(step: StepLog): HTMLElement {
  const heading = element("div", "log-heading");
  heading.append(element("span", "log-heading-name", step.step || words("log.step")));
  if (step.node) heading.append(element("span", "soft", step.node));
  if (step.attempt > 1) heading.append(element("span", "soft", words("log.attempt", { n: step.attempt })));
  const badge = badgeOf(step.status);
  if (badge) heading.append(badge);
  if (step.progress) heading.append(progressBar(step));
  return heading;
}

/** How far a step has come, by its own word. */
export function progressBar(step: StepLog): HTMLElement {
  const { percent = 0, label = "" } = step.progress ?? {};
  const place = element("span", "step-progress");
  const bar = element("progress");
  bar.max = 100;
  bar.value = percent;
  bar.setAttribute("aria-label", words("log.progress_of", { step: step.slug }));
  place.append(bar, element("span", "num", `${Math.round(percent)} %`), element("span", "clip", label));
  return place;
}

/** A copy of the status badge that the server drew. */
export function badgeOf(status: string): Element | null {
  const template = document.querySelector<HTMLTemplateElement>(`template[data-badge="${CSS.escape(status)}"]`);
  return template ? (template.content.cloneNode(true) as DocumentFragment).firstElementChild : null;
}

function renderLine(line: Line, look: Look): HTMLElement {
  const row = element("div", "log-row");
  if (look.isSelected(line)) row.classList.add("is-selected");
  if (line.troubled) row.classList.add("is-trouble");
  row.append(gutter(line, look));
  const content = element("span", "log-text");
  for (let group = line.group; group; group = group.parent) content.classList.add("is-grouped");
  if (line.opens) content.append(foldButton(line));
  const badge = BADGES[line.kind];
  if (badge) content.append(markerBadge(badge));
  appendText(content, line, look);
  row.append(content);
  return row;
}

function gutter(line: Line, look: Look): HTMLElement {
  const side = element("span", "log-gutter");
  const link = element("a", "log-number", String(line.number));
  link.href = `#${encodeURI(line.of.slug)}-L${line.number}`;
  link.tabIndex = -1; // the keys j and k choose lines; a thousand tab stops would help nobody
  side.append(link);
  if (look.stamps !== "off") side.append(element("span", "log-time", stampOf(line, look)));
  return side;
}

function stampOf(line: Line, look: Look): string {
  if (!line.time) return "";
  if (look.stamps === "absolute") return new Date(line.time).toISOString().slice(11, 23);
  return `+${clock(Math.max(0, line.time - look.since))}`;
}

function foldButton(line: Line): HTMLElement {
  const group = line.opens;
  const button = element("button", "log-fold");
  button.type = "button";
  button.tabIndex = -1;
  button.setAttribute("aria-expanded", String(!group?.folded));
  button.append(icon(group?.folded ? "chevron-right" : "chevron-down"), element("strong", "", line.body));
  if (group?.folded) button.append(element("span", "soft", words("log.lines", { n: group.size })));
  return button;
}

function markerBadge(badge: { icon: string; tone: string; text: string }): HTMLElement {
  const mark = element("span", `status status-${badge.tone} log-badge`);
  mark.append(icon(badge.icon), words(badge.text));
  return mark;
}

function appendText(content: HTMLElement, line: Line, look: Look): void {
  if (line.opens) return;
  const marked = line.kind !== "line";
  const whole = marked ? line.body : line.text.replace(/\r+$/, "");
  const shown = whole.slice(0, DRAWN_LIMIT);
  const hits = look.find ? hitsIn(segmentsOf(shown, line.style), look.find) : [];
  let at = 0;
  for (const segment of segmentsOf(shown, line.style)) {
    content.append(paintSegment(segment, look, cut(hits, at, segment.text.length), look.isCurrentMatch(line)));
    at += segment.text.length;
  }
  const left = whole.length - shown.length + line.more;
  if (left > 0) content.append(element("span", "log-more", words("log.more_characters", { n: left })));
}

type Range = [from: number, to: number];

function hitsIn(segments: Segment[], find: string): Range[] {
  const text = segments.map((segment) => segment.text).join("").toLowerCase();
  const hits: Range[] = [];
  for (let at = text.indexOf(find); at >= 0; at = text.indexOf(find, at + find.length)) hits.push([at, at + find.length]);
  return hits;
}

function cut(hits: Range[], start: number, length: number): Range[] {
  return hits
    .filter(([from, to]) => to > start && from < start + length)
    .map(([from, to]) => [Math.max(from - start, 0), Math.min(to - start, length)]);
}

function paintSegment(segment: Segment, look: Look, hits: Range[], current: boolean): Node {
  const { style } = segment;
  const paint = paintOf(style, look.dark);
  const plain = !paint.colour && !paint.background && !style.bold && !style.italic && !style.underline && !style.strike;
  if (plain && !segment.inert && !hits.length) return document.createTextNode(segment.text);
  const span = element("span", segment.inert ? "log-inert" : "");
  if (style.bold) span.classList.add("is-bold");
  if (style.italic) span.classList.add("is-italic");
  if (style.underline) span.classList.add("is-underlined");
  if (style.strike) span.classList.add("is-struck");
  if (paint.colour) span.style.setProperty("color", paint.colour);
  if (paint.background) span.style.setProperty("background-color", paint.background);
  let at = 0;
  for (const [from, to] of hits) {
    span.append(segment.text.slice(at, from), element("mark", current ? "is-current" : "", segment.text.slice(from, to)));
    at = to;
  }
  span.append(segment.text.slice(at));
  return span;
}
