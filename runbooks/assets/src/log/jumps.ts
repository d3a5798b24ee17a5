// Going to lines that the page has not loaded: by number, by link, by search, to the next error.
import { announce } from "../lib/controls";
import { text } from "../lib/texts";
import { EXCERPT_LINES, fetchExcerpt, type Where } from "./excerpt";
import { TROUBLE, type Line, type StepLog } from "./lines";
import { fetchMatches } from "./search";
import type { Selection } from "./selection";
import { isSame, type Store } from "./store";
import type { LogView } from "./view";

const MOST_LOOKS = 120; // for the next error: each is bounded by the server

/** What a jump needs of the log that it jumps in. */
export interface Jumpable {
  readonly root: HTMLElement;
  readonly store: Store;
  readonly selection: Selection;
  readonly view: LogView;
  readonly onlyStep: string;
  excerpt: StepLog | null;
  choose(line: Line, options: { reveal: boolean }): void;
  reveal(line: Line): void;
  refresh(): void;
}

export class Jumps {
  constructor(private readonly viewer: Jumpable) {}

  /** Chooses a line, whether the page has it or not. */
  async goTo(where: Where, number: number): Promise<void> {
    const excerpt = this.viewer.excerpt && isSame(this.viewer.excerpt, where) ? this.viewer.excerpt : undefined;
    const line = excerpt?.lineAt(number) ?? this.viewer.store.lineOf(where, number);
    if (line) this.viewer.choose(line, { reveal: true });
    else if (!(await this.openExcerpt(where, number))) announce(text("log.no_line", { n: number }));
  }

  /** Shows lines that the page does not have. Returns false where the step has no such line. */
  async openExcerpt(where: Where, number: number, choose = true): Promise<boolean> {
    const excerpt = await fetchExcerpt(this.viewer.root.dataset["logUrl"] ?? "", where, number).catch(() => null);
    const line = excerpt?.lineAt(number);
    if (!excerpt || !line) return false;
    this.viewer.excerpt = excerpt;
    this.viewer.view.follow(false);
    if (choose) this.viewer.choose(line, { reveal: true });
    else this.viewer.reveal(line);
    this.viewer.refresh();
    return true;
  }

  /** The lines before or after those of the excerpt. */
  async moveExcerpt(direction: 1 | -1): Promise<void> {
    const { excerpt } = this.viewer;
    const edge = excerpt?.lines[direction < 0 ? 0 : excerpt.lines.length - 1]?.number;
    if (!excerpt || !edge) return;
    const wanted = Math.max(1, edge + direction * (EXCERPT_LINES / 2 - 1));
    const there = await this.openExcerpt(excerpt, wanted, false);
    if (!there && direction > 0) await this.openExcerpt(excerpt, edge, false);
  }

  closeExcerpt(): void {
    this.viewer.excerpt = null;
    this.viewer.view.follow(true);
    this.viewer.refresh();
  }

  /** Asks the server, from the chosen line on: the page has only a part of the log. */
  async nextError(): Promise<void> {
    const where = this.stepAtHand();
    if (!where) return;
    const chosen = where.slug === this.viewer.selection.slug ? this.viewer.selection.to : 0;
    const query: Record<string, string> = { re: TROUBLE.source, limit: "1", step: where.step, node: where.node };
    query["attempt"] = String(where.attempt);
    query["line"] = String(chosen + 1);
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const page = await fetchMatches(this.viewer.root.dataset["logUrl"] ?? "", query).catch(() => null);
      const found = page?.results[0];
      if (found) return this.goTo(found, found.line);
      if (!page?.next) break;
      query["cursor"] = page.next;
    }
    announce(text("log.no_more_errors"));
  }

  /** The step that "next error" and "go to line" mean: the chosen, the filtered or the last one. */
  stepAtHand(): StepLog | undefined {
    const { steps } = this.viewer.store;
    return (
      this.viewer.excerpt ??
      steps.find((step) => step.slug === this.viewer.selection.slug) ??
      steps.find((step) => step.id === this.viewer.onlyStep) ??
      [...steps].reverse().find((step) => step.lines.length > 0) ??
      steps[steps.length - 1]
    );
  }
}
