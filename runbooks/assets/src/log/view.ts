// The scrolling window on the log: only the rows in sight are in the page.
import { element } from "../lib/dom";
import { isDark } from "../lib/theme";
import { isStep, Layout, type Measures, type Row } from "./layout";
import type { Line, StepLog } from "./lines";
import { unfold } from "./lines";
import { renderRow, type Look } from "./render";

const SPARE_ROWS = 30; // drawn above and below what is in sight, so that scrolling shows no gaps
const MOST_ROWS = 400;

interface Drawn {
  element: HTMLElement;
  revision: string;
}

export class LogView {
  readonly layout = new Layout();
  following = false;
  wrapping = false;
  private readonly space = element("div", "log-space");
  private readonly rows = element("div", "log-rows");
  private drawn = new Map<Row, Drawn>();
  private steps: readonly StepLog[] = [];
  private measures: Measures = { row: 20, heading: 36, columns: 0 };
  private lastTop = 0;
  private frame = 0;
  private character = 8;

  constructor(
    readonly scroller: HTMLElement,
    private readonly look: Look,
    private readonly onFollowing: (following: boolean) => void,
  ) {
    this.space.append(this.rows);
    scroller.append(this.space);
    scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    new ResizeObserver(() => this.resized()).observe(scroller);
    document.addEventListener("opsaas:theme", () => this.restyle());
    this.measure();
  }

  /** New content: places every row anew and keeps what the reader looks at in its place. */
  show(steps: readonly StepLog[], headings: boolean): void {
    this.steps = steps;
    const anchor = this.anchor();
    this.layout.build(steps, headings, this.measures);
    this.placed(anchor);
  }

  follow(on: boolean): void {
    if (on) this.toEnd();
    if (this.following === on) return;
    this.following = on;
    this.onFollowing(on);
  }

  /** Brings a line into the middle, opening the groups around it. Returns false if it is not there. */
  reveal(row: Row, headings: boolean): boolean {
    if (!isStep(row)) unfold(row);
    this.layout.build(this.steps, headings, this.measures);
    const index = this.layout.rows.indexOf(row);
    if (index < 0) return false;
    this.follow(false);
    this.sizeSpace();
    const offset = isStep(row) ? 0 : (this.scroller.clientHeight - this.measures.row) / 2;
    this.scrollTo(this.layout.topOf(index) - offset);
    this.draw();
    return true;
  }

  /** Looks changed (theme, stamps, selection, search): draws the rows in sight anew. */
  restyle(): void {
    this.look.dark = isDark();
    for (const { element: old } of this.drawn.values()) old.remove();
    this.drawn.clear();
    this.draw();
  }

  wrap(on: boolean): void {
    const anchor = this.anchor();
    this.wrapping = on;
    this.scroller.classList.toggle("is-wrapped", on);
    if (on) this.scroller.scrollLeft = 0;
    this.measure();
    this.layout.place(this.measures);
    this.placed(anchor);
  }

  lineUnder(target: Element): Line | null {
    const row = target.closest(".log-row");
    for (const [key, drawn] of this.drawn) if (drawn.element === row && !isStep(key)) return key;
    return null;
  }

  /** The line in the middle of what is in sight: where "next" begins when nothing is chosen. */
  middle(): Row | undefined {
    return this.layout.rows[this.layout.indexAt(this.scroller.scrollTop + this.scroller.clientHeight / 2)];
  }

  private measure(): void {
    const style = getComputedStyle(this.scroller);
    const probe = element("span", "log-probe", "0".repeat(100));
    this.scroller.append(probe);
    this.character = probe.getBoundingClientRect().width / 100 || 8;
    probe.remove();
    const gutter = parseFloat(style.getPropertyValue("--gutter")) * this.character + 28;
    const columns = Math.max(10, Math.floor((this.scroller.clientWidth - gutter) / this.character));
    this.measures = {
      row: parseFloat(style.getPropertyValue("--row")) || 20,
      heading: parseFloat(style.getPropertyValue("--heading")) || 36,
      columns: this.wrapping ? columns : 0,
    };
  }

  private resized(): void {
    const anchor = this.anchor();
    this.measure();
    if (this.wrapping) this.layout.forgetMeasures();
    this.layout.place(this.measures);
    this.placed(anchor);
  }

  private anchor(): { row: Row; offset: number } | null {
    const top = this.scroller.scrollTop;
    const index = this.layout.indexAt(top);
    const row = this.layout.rows[index];
    return row ? { row, offset: top - this.layout.topOf(index) } : null;
  }

  private placed(anchor: { row: Row; offset: number } | null): void {
    this.sizeSpace();
    if (this.following) {
      this.toEnd();
    } else if (anchor) {
      const expected = this.layout.rows[this.layout.indexAt(this.scroller.scrollTop)];
      const index = expected === anchor.row ? -1 : this.layout.rows.indexOf(anchor.row);
      if (index >= 0) this.scrollTo(this.layout.topOf(index) + anchor.offset);
    }
    this.draw();
  }

  private sizeSpace(): void {
    const widest = this.steps.reduce((width, step) => Math.max(width, Math.min(step.widest, 10_000)), 0);
    this.space.style.setProperty("height", `${this.layout.height}px`);
    this.space.style.setProperty("--widest", this.wrapping ? "0" : String(widest));
  }

  private toEnd(): void {
    this.scrollTo(this.layout.height);
    this.draw();
  }

  private scrollTo(top: number): void {
    this.scroller.scrollTop = top;
    this.lastTop = this.scroller.scrollTop;
  }

  private scrolled(): void {
    const top = this.scroller.scrollTop;
    const atEnd = top + this.scroller.clientHeight >= this.layout.height - this.measures.row / 2;
    if (top < this.lastTop - 1 && !atEnd && this.following) {
      this.following = false;
      this.onFollowing(false);
    } else if (top > this.lastTop + 1 && atEnd && !this.following) {
      this.following = true;
      this.onFollowing(true);
    }
    this.lastTop = top;
    if (!this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
    }
  }

  private draw(): void {
    const { rows } = this.layout;
    const first = Math.max(0, this.layout.indexAt(this.scroller.scrollTop) - SPARE_ROWS);
    const end = this.layout.indexAt(this.scroller.scrollTop + this.scroller.clientHeight) + 1 + SPARE_ROWS;
    const wanted = rows.slice(first, Math.min(end, first + MOST_ROWS));
    this.rows.style.setProperty("transform", `translateY(${this.layout.topOf(first)}px)`);
    this.placeElements(wanted.map((row) => this.elementOf(row)), wanted);
    if (this.wrapping) this.learnHeights(wanted);
  }

  /** Adds and removes only what differs, so that a selection of text survives new output. */
  private placeElements(elements: HTMLElement[], wanted: Row[]): void {
    const keep = new Set(elements);
    let at = this.rows.firstElementChild;
    for (const next of elements) {
      while (at && !keep.has(at as HTMLElement)) {
        const gone = at;
        at = at.nextElementSibling;
        gone.remove();
      }
      if (at === next) at = at.nextElementSibling;
      else this.rows.insertBefore(next, at);
    }
    while (at) {
      const gone = at;
      at = at.nextElementSibling;
      gone.remove();
    }
    const wantedRows = new Set(wanted);
    for (const row of this.drawn.keys()) if (!wantedRows.has(row)) this.drawn.delete(row);
  }

  private elementOf(row: Row): HTMLElement {
    const revision = isStep(row) ? `${row.status}${row.progress?.percent ?? ""}${row.progress?.label ?? ""}` : `${row.revision}${row.opens?.folded ?? ""}`;
    const known = this.drawn.get(row);
    if (known?.revision === revision) return known.element;
    const made = renderRow(row, this.look);
    this.drawn.set(row, { element: made, revision });
    return made;
  }

  private learnHeights(wanted: Row[]): void {
    let news = false;
    for (const row of wanted) {
      const height = this.drawn.get(row)?.element.getBoundingClientRect().height ?? 0;
      if (!isStep(row) && this.layout.measured(row, height, this.measures)) news = true;
    }
    if (!news) return;
    const anchor = this.anchor();
    this.layout.place(this.measures);
    this.sizeSpace();
    if (this.following) this.scrollTo(this.layout.height);
    else if (anchor) this.scrollTo(this.layout.topOf(this.layout.rows.indexOf(anchor.row)) + anchor.offset);
    const first = Math.max(0, this.layout.rows.indexOf(wanted[0] as Row));
    this.rows.style.setProperty("transform", `translateY(${this.layout.topOf(first)}px)`);
  }
}
