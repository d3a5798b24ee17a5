// The log as lines of step runs, built from pieces of output that may begin and end anywhere.
import { PLAIN, plainText, styleAfter, type Style } from "./ansi";

export type Kind = "line" | "group" | "endgroup" | "notice" | "warning" | "error" | "progress" | "add-mask";

export interface Line {
  readonly of: StepLog;
  readonly number: number; // from 1, within the step run
  readonly style: Style; // in force where the line begins
  readonly time: number; // milliseconds since 1970
  text: string; // of a line rewritten by carriage returns, the last state
  more: number; // characters that were too many to keep
  kind: Kind;
  body: string; // the text without its marker
  group: Group | null; // the innermost one around it; of a group's first line, the one around that
  opens: Group | null; // the group that this line begins
  revision: number; // changes with the text
  troubled: boolean; // reads like an error
}

export interface Group {
  readonly parent: Group | null;
  folded: boolean;
  closed: boolean;
  troubled: boolean; // an error is inside
  size: number; // lines inside
}

export interface Piece {
  line: number;
  time: string;
  text: string;
}

export const LINE_LIMIT = 65_536;
const MARKER = /^::(group|endgroup|notice|warning|error|progress|add-mask)(?: [^:]*)?::(.*)$/s;
export const TROUBLE = /\b(?:error|fatal|panic|exception|traceback|failed|failure)\b/i;

/** Lines of one attempt of one step on one node. */
export class StepLog {
  readonly lines: Line[] = [];
  readonly errors: Line[] = [];
  readonly changed = new Set<Line>();
  step = "";
  node = "";
  attempt = 1;
  status = "";
  widest = 0;
  characters = 0;
  progress: { percent: number; label: string } | null = null;
  foldClosedGroups = true;
  private open: Line | null = null;
  private group: Group | null = null;

  constructor(readonly id: string) {}

  /** How addresses name it: `main`, `main@web-1`, `main~2` for the second attempt. */
  get slug(): string {
    return this.step + (this.node ? `@${this.node}` : "") + (this.attempt > 1 ? `~${this.attempt}` : "");
  }

  add(piece: Piece): void {
    const time = Date.parse(piece.time) || 0;
    let number = piece.line;
    let from = 0;
    while (from < piece.text.length) {
      const end = piece.text.indexOf("\n", from);
      this.write(number, end < 0 ? piece.text.slice(from) : piece.text.slice(from, end), time);
      if (end < 0) return;
      this.finishLine();
      number += 1;
      from = end + 1;
    }
  }

  lineAt(number: number): Line | undefined {
    const first = this.lines[0]?.number ?? 1;
    const guess = this.lines[number - first];
    return guess?.number === number ? guess : this.lines.find((line) => line.number === number);
  }

  /** The last line will not grow any more, and nothing is under way. */
  finish(): void {
    if (this.open) this.finishLine();
    this.progress = null;
  }

  /** Forgets the oldest lines; the raw log still has them. */
  dropFirst(count: number): void {
    for (const line of this.lines.splice(0, count)) this.characters -= line.text.length;
    const first = this.lines[0]?.number ?? 0;
    while (this.errors[0] && this.errors[0].number < first) this.errors.shift();
  }

  private write(number: number, text: string, time: number): void {
    if (this.open && this.open.number !== number) this.finishLine();
    if (!this.open) {
      this.open = this.newLine(number, time);
      this.lines.push(this.open);
    }
    if (text) append(this.open, text);
    this.changed.add(this.open);
  }

  private newLine(number: number, time: number): Line {
    const before = this.lines[this.lines.length - 1];
    const style = before ? styleAfter(before.text, before.style) : PLAIN;
    return {
      of: this, number, style, time, text: "", more: 0, kind: "line", body: "", group: this.group, opens: null, revision: 0, troubled: false,
    };
  }

  private finishLine(): void {
    const line = this.open ?? this.lines[this.lines.length - 1];
    this.open = null;
    if (!line) return;
    if (line.text.endsWith("\r")) line.text = line.text.replace(/\r+$/, "");
    line.revision += 1;
    this.characters += line.text.length;
    const shown = plainText(line.text);
    this.widest = Math.max(this.widest, shown.length);
    this.readMarker(line, shown);
    line.troubled = line.kind === "error" || (line.kind === "line" && TROUBLE.test(shown));
    if (line.troubled) this.errors.push(line);
    for (let group = line.group; group; group = group.parent) {
      if (line.kind !== "endgroup") group.size += 1;
      group.troubled ||= line.troubled;
    }
  }

  private readMarker(line: Line, shown: string): void {
    const match = shown.startsWith("::") ? MARKER.exec(shown) : null;
    line.kind = (match?.[1] as Kind | undefined) ?? "line";
    line.body = match?.[2]?.trim() ?? "";
    if (line.kind === "group") this.openGroup(line);
    else if (line.kind === "endgroup") this.closeGroup();
    else if (line.kind === "progress") this.progress = progressOf(line.body) ?? this.progress;
  }

  private openGroup(line: Line): void {
    this.group = { parent: this.group, folded: false, closed: false, troubled: false, size: 0 };
    line.opens = this.group;
  }

  private closeGroup(): void {
    if (!this.group) return;
    this.group.closed = true;
    this.group.folded = this.foldClosedGroups && !this.group.troubled;
    this.group = this.group.parent;
  }
}

/** What a terminal would leave of the line: a carriage return starts it anew. */
function append(line: Line, text: string): void {
  line.revision += 1;
  const joined = line.text + text;
  if (!joined.includes("\r")) {
    keep(line, joined);
    return;
  }
  const body = joined.replace(/\r+$/, "");
  const restart = body.lastIndexOf("\r");
  if (restart >= 0) {
    (line as { style: Style }).style = styleAfter(joined.slice(0, restart), line.style);
    line.more = 0;
  }
  keep(line, joined.slice(restart + 1));
}

function keep(line: Line, text: string): void {
  line.text = text;
  if (line.text.length > LINE_LIMIT) {
    line.more += line.text.length - LINE_LIMIT;
    line.text = line.text.slice(0, LINE_LIMIT);
  }
}

export function progressOf(body: string): { percent: number; label: string } | null {
  const match = /^(\d{1,3}(?:\.\d+)?)%?(?:\s+(.*))?$/s.exec(body);
  return match ? { percent: Math.min(Number(match[1]), 100), label: match[2] ?? "" } : null;
}

export function isHidden(line: Line): boolean {
  if (line.kind === "endgroup" || line.kind === "progress" || line.kind === "add-mask") return true;
  for (let group = line.group; group; group = group.parent) if (group.folded) return true;
  return false;
}

export function unfold(line: Line): void {
  for (let group = line.group; group; group = group.parent) group.folded = false;
}
