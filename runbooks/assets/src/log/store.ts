// All output of a run that the page has, by step run, in order of appearance.
import { StepLog, type Line, type Piece } from "./lines";
import type { StepStatus } from "./steps";

export interface Output extends Piece {
  step_run: string;
  step: string;
  node: string;
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
    log.add(output);
    this.limit();
    return log;
  }

  bySlug(slug: string): StepLog | undefined {
    return this.steps.find((step) => step.slug === slug);
  }

  /** Where a search match is; of several attempts the last that has the line. */
  lineOf(step: string, node: string, number: number): Line | undefined {
    const candidates = this.steps.filter((log) => log.step === step && log.node === node).reverse();
    for (const log of candidates) {
      const line = log.lineAt(number);
      if (line) return line;
    }
    return undefined;
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
