// All output of a run that the page has, by step run, in order of appearance.
import { StepLog, type Line, type Piece } from "./lines";
import type { Where } from "./excerpt";
import type { StepStatus } from "./steps";

export interface Output extends Piece {
  step_run: string;
  step: string;
  node: string;
  step_offset: number;
}

const MOST_CHARACTERS = 96_000_000; // beyond this the oldest lines go: the raw log has them

export class Store {
  private readonly byId = new Map<string, StepLog>();
  dropped = 0;

  get steps(): StepLog[] {
    return [...this.byId.values()];
  }

  get lineCount(): number {
    return this.steps.reduce((count, step) => count + step.lines.length, this.dropped);
  }

  get errors(): Line[] {
    return this.steps.flatMap((step) => step.errors);
  }

  byStep(step: StepStatus): StepLog {
    const log = this.get(step.id, step.step, step.node);
    log.attempt = step.attempt;
    log.status = step.status;
    return log;
  }

  add(output: Output): StepLog {
    const log = this.get(output.step_run, output.step, output.node);
    log.add(log.lines.length || !output.step_offset ? output : this.fromNextLine(output));
    this.limit();
    return log;
  }

  bySlug(slug: string): StepLog | undefined {
    return this.steps.find((step) => step.slug === slug);
  }

  lineOf(where: Where, number: number): Line | undefined {
    return this.steps.find((log) => isSame(log, where))?.lineAt(number);
  }

  private get(id: string, step: string, node: string): StepLog {
    let log = this.byId.get(id);
    if (!log) {
      log = new StepLog(id);
      this.byId.set(id, log);
    }
    log.step = step;
    log.node = node;
    return log;
  }

  /** The stream of a large log begins near its end, perhaps within a line: that one is left out. */
  private fromNextLine(output: Output): Piece {
    const end = output.text.indexOf("\n");
    if (end < 0) return { ...output, text: "" };
    this.dropped += output.line;
    return { ...output, line: output.line + 1, text: output.text.slice(end + 1) };
  }

  private limit(): void {
    let characters = this.steps.reduce((sum, step) => sum + step.characters, 0);
    for (const step of this.steps) {
      while (characters > MOST_CHARACTERS && step.lines.length > 1) {
        const before = step.characters;
        const count = Math.ceil(step.lines.length / 10);
        step.dropFirst(count);
        this.dropped += count;
        characters -= before - step.characters;
      }
    }
  }
}

export function isSame(one: Where, other: Where): boolean {
  return one.step === other.step && one.node === other.node && one.attempt === other.attempt;
}
