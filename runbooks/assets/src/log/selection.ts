// The chosen line or range of lines: it lives in the address, so that a link shows others the same lines.
import { plainText } from "./ansi";
import type { Line, StepLog } from "./lines";

export class Selection {
  slug = "";
  from = 0;
  to = 0;

  /** "#main@web-1~2-L120-L140"; returns whether the address names lines or a step. */
  readHash(hash: string): boolean {
    const match = /^#(.+?)(?:-L(\d+)(?:-L(\d+))?)?$/.exec(hash);
    if (!match) return false;
    this.slug = decode(match[1] ?? "");
    const [one, other] = [Number(match[2] ?? 0), Number(match[3] ?? match[2] ?? 0)];
    this.from = Math.min(one, other);
    this.to = Math.max(one, other);
    return true;
  }

  get hash(): string {
    if (!this.from) return "";
    return `#${encodeURI(this.slug)}-L${this.from}${this.to > this.from ? `-L${this.to}` : ""}`;
  }

  get count(): number {
    return this.from ? this.to - this.from + 1 : 0;
  }

  choose(line: Line, extend: boolean): void {
    if (extend && this.from && this.slug === line.of.slug) {
      this.from = Math.min(this.from, line.number);
      this.to = Math.max(this.to, line.number);
    } else {
      this.slug = line.of.slug;
      this.from = this.to = line.number;
    }
  }

  clear(): void {
    this.slug = "";
    this.from = this.to = 0;
  }

  has(line: Line): boolean {
    return this.from > 0 && line.number >= this.from && line.number <= this.to && line.of.slug === this.slug;
  }

  textFrom(step: StepLog): string {
    const chosen = step.lines.filter((line) => line.number >= this.from && line.number <= this.to);
    return chosen.map((line) => plainText(line.text)).join("\n");
  }
}

function decode(text: string): string {
  try {
    return decodeURI(text);
  } catch {
    return text;
  }
}
