// Which rows there are and where each one is, in pixels. 100,000 rows take about a millisecond, so it is made anew
// whenever something changed.
import { plainText } from "./ansi";
import { isHidden, type Line, type StepLog } from "./lines";

export type Row = Line | StepLog; // a step run stands for its heading

export interface Measures {
  row: number; // height of one line
  heading: number;
  columns: number; // characters in a wrapped line; 0: lines are not wrapped
}

export class Layout {
  rows: Row[] = [];
  private tops = new Float64Array(1);
  private readonly wraps = new Map<Line, { columns: number; revision: number; height: number }>();

  build(steps: readonly StepLog[], headings: boolean, measures: Measures): void {
    const rows: Row[] = [];
    for (const step of steps) {
      if (headings) rows.push(step);
      for (const line of step.lines) if (!isHidden(line)) rows.push(line);
    }
    this.rows = rows;
    this.place(measures);
  }

  place(measures: Measures): void {
    const tops = new Float64Array(this.rows.length + 1);
    let top = 0;
    this.rows.forEach((row, at) => {
      tops[at] = top;
      top += this.heightOf(row, measures);
    });
    tops[this.rows.length] = top;
    this.tops = tops;
  }

  get height(): number {
    return this.tops[this.rows.length] ?? 0;
  }

  topOf(index: number): number {
    return this.tops[Math.min(index, this.rows.length)] ?? 0;
  }

  /** The row at that many pixels from the top. */
  indexAt(y: number): number {
    let low = 0;
    let high = this.rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.tops[middle] ?? 0) <= y) low = middle;
      else high = middle - 1;
    }
    return Math.max(low, 0);
  }

  /** What a wrapped row really took on screen. Returns whether that was news. */
  measured(line: Line, height: number, measures: Measures): boolean {
    if (!measures.columns || Math.abs(this.heightOf(line, measures) - height) < 1) return false;
    this.wraps.set(line, { columns: measures.columns, revision: line.revision, height });
    return true;
  }

  forgetMeasures(): void {
    this.wraps.clear();
  }

  private heightOf(row: Row, measures: Measures): number {
    if (isStep(row)) return measures.heading;
    if (!measures.columns) return measures.row;
    const known = this.wraps.get(row);
    if (known && known.columns === measures.columns && known.revision === row.revision) return known.height;
    const length = row.text.includes("\x1b") ? plainText(row.text).length : row.text.length;
    return Math.max(1, Math.ceil(length / measures.columns)) * measures.row;
  }
}

export function isStep(row: Row): row is StepLog {
  return "lines" in row;
}
