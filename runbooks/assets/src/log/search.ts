// Search over the whole log, done by the server; lines that arrive later are looked through here.
import { plainText } from "./ansi";
import type { Line } from "./lines";

export interface Match {
  step: string;
  node: string;
  attempt: number;
  line: number;
}

export interface MatchPage {
  results: Match[];
  next: string | null;
}

const MOST_MATCHES = 10_000;

export class Search {
  find = "";
  matches: Match[] = [];
  current = -1;
  complete = true; // false: there are more matches than we keep
  private abort: AbortController | null = null;

  constructor(private readonly url: string) {}

  /** Returns once there is a match, or none at all; the others follow. Throws if the server does not answer; returns
   * false if a newer search overtook this one. */
  async run(find: string, onMore: () => void): Promise<boolean> {
    this.abort?.abort();
    const abort = new AbortController();
    this.abort = abort;
    this.clear();
    if (!find) return true;
    this.find = find.toLowerCase();
    try {
      const next = await this.fetchSome(find, "", abort);
      if (this.abort !== abort) return false;
      this.complete = next === null;
      if (next !== null) void this.fetchRest(find, next, abort, onMore);
    } catch (error) {
      if (this.abort !== abort) return false;
      this.clear();
      throw error;
    }
    return true;
  }

  clear(): void {
    this.find = "";
    this.matches = [];
    this.current = -1;
    this.complete = true;
  }

  /** A line that came after the search. */
  consider(line: Line): void {
    if (!this.find || !plainText(line.text).toLowerCase().includes(this.find)) return;
    const { step, node } = line.of;
    if (this.matches.some((match) => match.line === line.number && match.step === step && match.node === node)) return;
    this.matches.push({ step, node, attempt: line.of.attempt, line: line.number });
  }

  /** The match `direction` steps on, around the ends. */
  move(direction: 1 | -1): Match | null {
    if (!this.matches.length) return null;
    const start = this.current < 0 && direction < 0 ? 0 : this.current;
    this.current = (start + direction + this.matches.length) % this.matches.length;
    return this.matches[this.current] ?? null;
  }

  /** Looks until there is a match. Returns where to go on, or null at the end. */
  private async fetchSome(find: string, cursor: string, abort: AbortController): Promise<string | null> {
    const before = this.matches.length;
    let next: string | null = cursor;
    while (next !== null && this.matches.length === before) {
      const page: MatchPage = await fetchMatches(this.url, { q: find, limit: "1000", cursor: next }, abort.signal);
      if (this.abort !== abort) return null;
      this.matches.push(...page.results);
      next = page.next;
    }
    return next;
  }

  private async fetchRest(find: string, cursor: string, abort: AbortController, onMore: () => void): Promise<void> {
    let next: string | null = cursor;
    try {
      while (next !== null && this.matches.length < MOST_MATCHES && this.abort === abort) {
        next = await this.fetchSome(find, next, abort);
        if (this.abort === abort) onMore();
      }
    } catch {
      return; // what was found so far stays; the count says that there may be more
    }
    if (this.abort === abort) {
      this.complete = next === null;
      onMore();
    }
  }
}

/** One page of what the server finds in the whole log. */
export async function fetchMatches(url: string, query: Record<string, string>, signal?: AbortSignal): Promise<MatchPage> {
  const address = `${url}${url.includes("?") ? "&" : "?"}${new URLSearchParams(query)}`;
  const response = await fetch(address, { headers: { Accept: "application/json" }, signal: signal ?? null });
  if (!response.ok) throw new Error(`The search answered ${response.status}`);
  return (await response.json()) as MatchPage;
}
