// The live log of a run: brings the stream of events, the lines, the window on them and the tools together.
import { announce } from "../lib/controls";
import { need } from "../lib/dom";
import { text } from "../lib/texts";
import { isDark } from "../lib/theme";
import { isStep, type Row } from "./layout";
import type { Line, StepLog } from "./lines";
import type { Look, Stamps } from "./render";
import { Jumps } from "./jumps";
import { Search } from "./search";
import { Selection } from "./selection";
import { isFinal, showProgress, showRun, showStep, type RunStatus, type StepStatus } from "./steps";
import { isSame, Store, type Output } from "./store";
import { EventStream, type StreamEvent, type StreamState } from "./stream";
import { LogView } from "./view";

const DRAW_EVERY_MS = 80;
const ANNOUNCE_EVERY_MS = 15_000;
const REPLAY_MS = 1500; // what comes right after connecting was there before the reader was
const NODES_EVERY_MS = 2000;

export class Viewer {
  readonly store = new Store();
  readonly selection = new Selection();
  readonly search: Search;
  readonly view: LogView;
  readonly look: Look;
  status: string;
  streamState: StreamState = "connecting";
  liveSince = 0;
  unseen = 0;
  onlyStep = "";
  excerpt: StepLog | null = null; // lines from the middle, shown instead of those that the page has
  readonly jumps = new Jumps(this);
  private damaged = false;
  onChange: () => void = () => undefined;
  private readonly stream: EventStream;
  private readonly title = document.title;
  private timer = 0;
  private nodesTimer = 0;
  private at = 0; // number of the event that is being received
  private readonly shownUpTo: number;
  private announced = Date.now();
  private wantsHash: boolean;

  constructor(readonly root: HTMLElement) {
    const { eventsUrl = "", logUrl = "", status = "", started = "", shownUpTo = "" } = root.dataset;
    this.shownUpTo = Number(shownUpTo);
    this.status = status;
    this.damaged = root.dataset["incomplete"] === "true"; // it may have come to light after the end
    this.search = new Search(logUrl);
    this.wantsHash = this.selection.readHash(location.hash);
    this.look = {
      stamps: "off",
      since: Date.parse(started) || 0,
      dark: isDark(),
      find: "",
      isSelected: (line) => this.selection.has(line),
      isCurrentMatch: (line) => this.isCurrentMatch(line),
    };
    this.view = new LogView(need(root, "[data-log-scroll]"), this.look, (following) => this.followingChanged(following));
    this.stream = new EventStream(eventsUrl, (event) => this.receive(event), (state) => this.streamChanged(state));
    this.view.follow(!isFinal(status) && !this.wantsHash);
  }

  start(): void {
    const resume = (): void => (document.hidden ? this.pause() : this.stream.start());
    document.addEventListener("visibilitychange", resume);
    window.addEventListener("pagehide", () => this.pause());
    window.addEventListener("pageshow", resume);
    resume();
  }

  get shownSteps(): StepLog[] {
    if (this.excerpt) return [this.excerpt];
    const steps = this.store.steps.filter((step) => step.lines.length > 0 || step.status === "running");
    return this.onlyStep ? steps.filter((step) => step.id === this.onlyStep) : steps;
  }

  get headings(): boolean {
    return !this.excerpt && this.store.steps.length > 1;
  }

  get over(): boolean {
    return ["ended", "gone"].includes(this.streamState);
  }

  refresh(): void {
    clearTimeout(this.timer);
    this.timer = 0;
    this.look.since ||= this.store.steps[0]?.lines[0]?.time ?? 0;
    for (const step of this.store.steps) showProgress(step);
    this.view.show(this.shownSteps, this.headings);
    this.honourHash();
    this.onChange();
  }

  showOnly(stepId: string): void {
    this.excerpt = null;
    this.onlyStep = stepId;
    this.refresh();
  }

  stamps(kind: Stamps): void {
    this.look.stamps = kind;
    this.view.restyle();
  }

  /** Chooses a line, puts it into the address and, if asked, into sight. */
  choose(line: Line, options: { extend?: boolean; reveal?: boolean }): void {
    this.selection.choose(line, options.extend ?? false);
    history.replaceState(history.state, "", this.selection.hash);
    if (options.reveal) this.reveal(line);
    this.view.restyle();
    this.onChange();
  }

  clearSelection(): void {
    this.selection.clear();
    history.replaceState(history.state, "", location.pathname + location.search);
    this.view.restyle();
    this.onChange();
  }

  reveal(row: Row): boolean {
    const step = isStep(row) ? row : row.of;
    if (step !== this.excerpt) this.excerpt = null;
    if (this.onlyStep && this.onlyStep !== step.id) this.onlyStep = "";
    this.view.show(this.shownSteps, this.headings);
    const there = this.view.reveal(row, this.headings);
    if (there) this.view.scroller.scrollIntoView({ block: "nearest" }); // the page may stand above the log
    return there;
  }

  goToHash(): void {
    if (!this.selection.readHash(location.hash)) return;
    this.wantsHash = true;
    this.honourHash();
  }

  async find(what: string): Promise<void> {
    if (!(await this.search.run(what, () => this.onChange()))) return;
    this.look.find = this.search.find;
    this.view.restyle();
  }

  async nextMatch(direction: 1 | -1): Promise<void> {
    const match = this.search.move(direction);
    if (match) await this.jumps.goTo(match, match.line);
  }

  async nextError(): Promise<void> {
    if (this.excerpt || this.store.dropped > 0) return this.jumps.nextError();
    const errors = this.store.errors.filter((line) => !this.onlyStep || line.of.id === this.onlyStep);
    if (!errors.length) return;
    const now = errors.findIndex((line) => this.selection.has(line));
    const next = errors[now < 0 ? this.firstErrorBelow(errors) : (now + 1) % errors.length];
    if (next) this.choose(next, { reveal: true });
  }

  /** The next or previous line of those in the list, from the chosen one or from the middle of the window. */
  stepLine(direction: 1 | -1): void {
    const { rows } = this.view.layout;
    const chosen = rows.findIndex((row) => !isStep(row) && this.selection.has(row));
    let at = chosen < 0 ? rows.indexOf(this.view.middle() as Row) - direction : chosen;
    do at += direction;
    while (rows[at] && isStep(rows[at] as Row));
    const row = rows[at];
    if (!row || isStep(row)) return;
    this.choose(row, { reveal: true });
    announce(`${row.number}: ${row.text.slice(0, 300)}`);
  }

  private firstErrorBelow(errors: Line[]): number {
    const { rows } = this.view.layout;
    const middle = this.view.following ? 0 : rows.indexOf(this.view.middle() as Row);
    const places = new Map(rows.map((row, at) => [row, at]));
    const below = errors.findIndex((line) => (places.get(line) ?? 0) > middle);
    return Math.max(0, below);
  }

  private isCurrentMatch(line: Line): boolean {
    const match = this.search.matches[this.search.current];
    return match !== undefined && match.line === line.number && isSame(match, line.of);
  }

  private receive(event: StreamEvent): void {
    const data: unknown = JSON.parse(event.data);
    this.at = Number(event.id);
    if (event.type === "output") this.receiveOutput(data as Output);
    else if (event.type === "step") this.receiveStep(data as StepStatus);
    else if (event.type === "status") this.receiveStatus(data as RunStatus);
    else if (event.type === "note") announceNote(data as { id: string });
    else if (event.type === "damaged") this.damaged = true;
    this.timer ||= window.setTimeout(() => this.refresh(), DRAW_EVERY_MS);
  }

  private receiveOutput(output: Output): void {
    const before = this.store.lineCount;
    const step = this.store.add(output);
    if (!this.view.following && Date.now() - this.liveSince > REPLAY_MS) this.unseen += this.store.lineCount - before;
    step.foldClosedGroups = this.view.following || isFinal(this.status) || !this.liveSince;
    for (const line of step.changed) this.search.consider(line);
    step.changed.clear();
    this.announceProgress();
  }

  /** Not what had happened before the server made the page. */
  private isNews(): boolean {
    return this.at > this.shownUpTo;
  }

  private receiveStep(data: StepStatus): void {
    const step = this.store.byStep(data);
    if (data.finished_at) step.finish();
    if (data.node) return this.noteNode();
    if (data.finished_at && this.isNews()) document.body.dispatchEvent(new CustomEvent("opsaas:step-ended"));
    if (this.isNews()) showStep(data, step.slug);
  }

  /** Nodes may end by the hundred: the page asks for them anew once in a while, not at each. */
  private noteNode(): void {
    if (!this.isNews()) return;
    this.nodesTimer ||= window.setTimeout(() => {
      this.nodesTimer = 0;
      document.body.dispatchEvent(new CustomEvent("opsaas:nodes-moved"));
    }, NODES_EVERY_MS);
  }

  private receiveStatus(run: RunStatus): void {
    const news = run.status !== this.status;
    if (run.started_at) this.look.since = Date.parse(run.started_at);
    if (news && !this.isNews()) return; // a status of before, which the page is past
    this.status = run.status;
    showRun(run, this.title);
    this.root.dataset["incomplete"] = String(this.damaged || (isFinal(run.status) && !run.output_complete));
    if (isFinal(run.status)) this.stream.finish();
    if (!news) return;
    announce(text("log.status", { status: document.querySelector("[data-run-status]")?.textContent?.trim() ?? run.status }));
    document.body.dispatchEvent(new CustomEvent("opsaas:run-status", { detail: run }));
  }

  private streamChanged(state: StreamState): void {
    if (state === "live" && this.streamState !== "live") this.liveSince ||= Date.now();
    if (state === "ended") for (const step of this.store.steps) step.finish();
    this.streamState = state;
    this.timer ||= window.setTimeout(() => this.refresh(), DRAW_EVERY_MS);
  }

  private followingChanged(following: boolean): void {
    if (following) this.unseen = 0;
    if (following && this.excerpt) this.view.follow(false); // it is not the end that one scrolled to
    this.onChange();
  }

  private pause(): void {
    if (!["ended", "gone"].includes(this.streamState)) this.stream.pause();
  }

  /** The lines named by the address may arrive later than the page: tried at every refresh until they are there. Those
   * that the page will not get are fetched. */
  private honourHash(): void {
    if (!this.wantsHash) return;
    const step = this.store.bySlug(this.selection.slug);
    const target = this.selection.from ? step?.lineAt(this.selection.from) : step;
    if (target && this.reveal(target)) {
      this.wantsHash = false;
      this.view.restyle();
    } else if (step && (this.over || this.selection.from < (step.lines[0]?.number ?? 0))) {
      this.wantsHash = false;
      void this.jumps.openExcerpt(step, this.selection.from || 1, false);
    } else if (this.over) {
      this.wantsHash = false;
    }
  }

  private announceProgress(): void {
    if (Date.now() - this.announced < ANNOUNCE_EVERY_MS) return;
    this.announced = Date.now();
    announce(text("log.so_far", { n: this.store.lineCount }));
  }
}

/** One that the page has already is no news. */
function announceNote(note: { id: string }): void {
  if (!document.getElementById(`note-${note.id}`)) document.body.dispatchEvent(new CustomEvent("opsaas:note"));
}
