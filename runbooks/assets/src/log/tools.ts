// The bar above a log: search, errors, stamps, wrapping, following, step filter, copying.
import { announce, copyText } from "../lib/controls";
import { all, element, need } from "../lib/dom";
import { onKey } from "../lib/keys";
import { readSetting, writeSetting } from "../lib/settings";
import { text } from "../lib/texts";
import type { Stamps } from "./render";
import type { Viewer } from "./viewer";

const STAMPS: Stamps[] = ["off", "relative", "absolute"];

export class Tools {
  private readonly input: HTMLInputElement;
  private readonly hits: HTMLElement;
  private timer = 0;

  constructor(private readonly viewer: Viewer) {
    const { root } = viewer;
    this.input = need<HTMLInputElement>(root, "[data-log-find]");
    this.hits = need(root, "[data-log-hits]");
    this.setUpSearch();
    this.setUpButtons();
    this.setUpLines();
    this.setUpJumps();
    this.setUpKeys();
    viewer.onChange = () => this.show();
    this.applyStamps((readSetting("opsaas.log.stamps") ?? "off") as Stamps);
    this.applyWrap(readSetting("opsaas.log.wrap") === "on");
    this.show();
  }

  private tool<T extends HTMLElement = HTMLButtonElement>(name: string): T {
    return need<T>(this.viewer.root, `[data-log-${name}]`);
  }

  private setUpSearch(): void {
    this.input.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => void this.find(), 250);
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        clearTimeout(this.timer);
        if (this.input.value.toLowerCase() === this.viewer.search.find) this.go(event.shiftKey ? -1 : 1);
        else void this.find();
      } else if (event.key === "Escape") {
        this.input.value = "";
        void this.find();
      }
    });
    this.tool("next").addEventListener("click", () => this.go(1));
    this.tool("previous").addEventListener("click", () => this.go(-1));
  }

  private async find(): Promise<void> {
    this.hits.textContent = this.input.value ? text("log.searching") : "";
    try {
      await this.viewer.find(this.input.value);
    } catch {
      this.hits.textContent = text("log.search_failed");
      return;
    }
    if (this.viewer.search.matches.length) await this.viewer.nextMatch(1);
    this.showHits();
    if (this.input.value) announce(this.hits.textContent ?? "");
  }

  private go(direction: 1 | -1): void {
    void this.viewer.nextMatch(direction).then(() => this.showHits());
  }

  private setUpButtons(): void {
    this.tool("error").addEventListener("click", () => void this.viewer.nextError());
    this.tool("stamps").addEventListener("click", () => this.nextStamps());
    this.tool("wrap").addEventListener("click", () => this.applyWrap(!this.viewer.view.wrapping));
    this.tool("follow").addEventListener("click", () => this.follow());
    this.tool("unseen").addEventListener("click", () => {
      this.viewer.jumps.closeExcerpt();
      this.viewer.view.scroller.focus({ preventScroll: true });
    });
    this.tool("large").addEventListener("click", () => this.enlarge());
    this.tool<HTMLSelectElement>("step").addEventListener("change", (event) => {
      this.viewer.showOnly((event.target as HTMLSelectElement).value);
    });
    this.tool("clear").addEventListener("click", () => this.viewer.clearSelection());
    this.tool("copy-link").addEventListener("click", () => void this.copy(location.href));
    this.tool("copy-text").addEventListener("click", () => {
      const { selection, store, excerpt } = this.viewer;
      const step = excerpt ?? store.bySlug(selection.slug);
      if (step) void this.copy(selection.textFrom(step));
    });
  }

  private follow(): void {
    if (this.viewer.excerpt) this.viewer.jumps.closeExcerpt();
    else this.viewer.view.follow(!this.viewer.view.following);
  }

  private setUpJumps(): void {
    this.tool("earlier").addEventListener("click", () => void this.viewer.jumps.moveExcerpt(-1));
    this.tool("later").addEventListener("click", () => void this.viewer.jumps.moveExcerpt(1));
    this.tool("end").addEventListener("click", () => this.viewer.jumps.closeExcerpt());
    const input = this.tool<HTMLInputElement>("goto");
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      const [step, number] = [this.viewer.jumps.stepAtHand(), Math.floor(Number(input.value))];
      if (step && number >= 1) void this.viewer.jumps.goTo(step, number);
    });
  }

  private setUpLines(): void {
    this.viewer.view.scroller.addEventListener("click", (event) => {
      const target = event.target as Element;
      const line = this.viewer.view.lineUnder(target);
      if (!line) return;
      if (target.closest(".log-number")) {
        event.preventDefault();
        this.viewer.choose(line, { extend: event.shiftKey });
      } else if (line.opens && target.closest(".log-fold")) {
        line.opens.folded = !line.opens.folded;
        this.viewer.view.follow(false);
        this.viewer.refresh();
      }
    });
    window.addEventListener("hashchange", () => this.viewer.goToHash());
    for (const link of all<HTMLAnchorElement>(document, "[data-steps] a[href^='#']")) {
      link.addEventListener("click", () => setTimeout(() => this.viewer.goToHash(), 0));
    }
  }

  private setUpKeys(): void {
    onKey("f", () => this.follow());
    onKey("n", () => this.go(1));
    onKey("p", () => this.go(-1));
    onKey("e", () => void this.viewer.nextError());
    onKey("w", () => this.applyWrap(!this.viewer.view.wrapping));
    onKey("t", () => this.nextStamps());
    onKey("j", () => this.viewer.stepLine(1));
    onKey("k", () => this.viewer.stepLine(-1));
    onKey("Escape", () => (this.viewer.root.classList.contains("is-large") ? this.enlarge() : this.viewer.clearSelection()));
    this.viewer.view.scroller.addEventListener("keydown", (event) => {
      if (event.key === "End" && !this.viewer.excerpt) this.viewer.view.follow(true);
      if (event.key !== "Enter" || event.target !== this.viewer.view.scroller) return;
      const chosen = this.viewer.store.bySlug(this.viewer.selection.slug)?.lineAt(this.viewer.selection.from);
      if (!chosen?.opens) return;
      chosen.opens.folded = !chosen.opens.folded;
      this.viewer.refresh();
    });
  }

  private applyWrap(on: boolean): void {
    writeSetting("opsaas.log.wrap", on ? "on" : "off");
    this.tool("wrap").setAttribute("aria-pressed", String(on));
    this.viewer.view.wrap(on);
  }

  private nextStamps(): void {
    this.applyStamps(STAMPS[(STAMPS.indexOf(this.viewer.look.stamps) + 1) % STAMPS.length] ?? "off");
    announce(this.tool("stamps").textContent?.trim() ?? "");
  }

  private applyStamps(kind: Stamps): void {
    writeSetting("opsaas.log.stamps", kind);
    need(this.tool("stamps"), "[data-label]").textContent = text(`log.stamps_${kind}`);
    this.tool("stamps").setAttribute("aria-pressed", String(kind !== "off"));
    this.viewer.root.dataset["stamps"] = kind;
    this.viewer.stamps(kind);
    this.viewer.view.wrap(this.viewer.view.wrapping);
  }

  private enlarge(): void {
    const large = this.viewer.root.classList.toggle("is-large");
    this.tool("large").setAttribute("aria-pressed", String(large));
    document.documentElement.classList.toggle("has-large", large);
  }

  private async copy(what: string): Promise<void> {
    announce(text((await copyText(what)) ? "copy.done" : "copy.failed"));
    const { scroller } = this.viewer.view;
    scroller.focus({ preventScroll: true });
  }

  private show(): void {
    const { viewer } = this;
    this.tool("follow").setAttribute("aria-pressed", String(viewer.view.following));
    this.showState();
    this.showHits();
    const unseen = this.tool("unseen");
    unseen.hidden = viewer.view.following || viewer.over || viewer.unseen === 0;
    need(unseen, "[data-label]").textContent = text("log.unseen", { n: viewer.unseen });
    const errors = viewer.store.errors.length;
    this.tool("error").disabled = errors === 0 && viewer.store.dropped === 0;
    need(this.tool("error"), "[data-label]").textContent = viewer.store.dropped ? text("log.next_error") : text("log.errors", { n: errors });
    this.showSelection();
    this.showSteps();
    this.showProgress();
    const empty = this.tool<HTMLElement>("empty");
    empty.hidden = viewer.view.layout.rows.length > 0;
    empty.textContent = text(this.emptyText());
    this.showExcerpt();
  }

  private showExcerpt(): void {
    const { excerpt, store } = this.viewer;
    this.tool<HTMLElement>("dropped").hidden = store.dropped === 0 || excerpt !== null;
    this.tool<HTMLElement>("excerpt").hidden = excerpt === null;
    const [first, last] = [excerpt?.lines[0]?.number ?? 0, excerpt?.lines[excerpt.lines.length - 1]?.number ?? 0];
    const lines = `${first.toLocaleString()}\u2013${last.toLocaleString()}`;
    need(this.tool("excerpt"), "[data-label]").textContent = text("log.excerpt", { lines, step: excerpt?.slug ?? "" });
    this.tool("earlier").disabled = first <= 1;
  }

  private emptyText(): string {
    if (this.viewer.root.dataset["hiddenOutput"]) return "log.hidden";
    if (this.viewer.root.dataset["removedOutput"]) return "log.removed";
    if (this.viewer.over) return "log.nothing";
    if (this.viewer.streamState === "connecting") return "log.loading";
    return this.viewer.status === "running" ? "log.silent" : `log.before_${this.viewer.status}`;
  }

  private showState(): void {
    const { viewer } = this;
    const state = viewer.streamState;
    const place = this.tool<HTMLElement>("state");
    place.dataset["state"] = state;
    const time = new Date(viewer.liveSince).toLocaleTimeString();
    need(place, "[data-label]").textContent = text(`log.state_${state}`, { time });
  }

  private showHits(): void {
    const { search } = this.viewer;
    const found = search.matches.length;
    this.tool("next").disabled = this.tool("previous").disabled = found === 0;
    if (!search.find) {
      if (!this.input.value) this.hits.textContent = "";
      return;
    }
    const all_ = search.complete ? "log.hits" : "log.hits_at_least";
    this.hits.textContent = found ? text(all_, { at: search.current + 1, n: found }) : text("log.no_hits");
  }

  private showSelection(): void {
    const { selection } = this.viewer;
    this.tool<HTMLElement>("chosen").hidden = selection.count === 0;
    const range = selection.count > 1 ? `${selection.from}\u2013${selection.to}` : String(selection.from);
    need(this.tool("chosen"), "[data-label]").textContent = text("log.chosen", { lines: `${selection.slug} ${range}` });
  }

  private showSteps(): void {
    const select = this.tool<HTMLSelectElement>("step");
    const steps = this.viewer.store.steps.filter((step) => step.lines.length > 0);
    const known = [...select.options].slice(1).map((option) => option.value);
    need(this.viewer.root, "[data-log-step-filter]").hidden = steps.length < 2;
    for (const step of steps) {
      if (known.includes(step.id)) continue;
      const option = element("option", "", step.slug);
      option.value = step.id;
      select.append(option);
    }
    if (select.value !== this.viewer.onlyStep) select.value = this.viewer.onlyStep;
  }

  private showProgress(): void {
    const step = this.viewer.store.steps.find((log) => log.progress);
    const bar = this.tool<HTMLElement>("progress");
    bar.hidden = !step?.progress || this.viewer.headings; // with several steps each has a bar of its own
    if (!step?.progress) return;
    need<HTMLProgressElement>(bar, "progress").value = step.progress.percent;
    need(bar, "[data-label]").textContent = `${Math.round(step.progress.percent)} % ${step.progress.label}`;
  }
}
