// Search over the whole log, done by the server; lines that arrive later are looked through here.
import { plainText } from "./ansi";
import type { Line } from "./lines";

export interface Match {
  step: string;
  node: string;
  line: number;
}

const MOST_MATCHES = 10_000;

export class Search {
  find = "";
  matches: Match[] = [];
  current = -1;
  complete = true; // false: there are more matches than we keep
  private abort: AbortController | null = null;

  constructor(private readonly url: string) {}

  /** Throws if the server does not answer; returns false if a newer search overtook this one. */
  async run(find: string): Promise<boolean> {
    this.abort?.abort();
    const abort = new AbortController();
    this.abort = abort;
    this.clear();
    if (!find) return true;
    try {
      const matches = await this.fetchMatches(find, abort);
      if (this.abort !== abort) return false;
      this.complete = matches.length < MOST_MATCHES;
      this.matches = matches;
    } catch (error) {
      if (this.abort !== abort) return false;
      throw error;
    }
    this.find = find.toLowerCase();
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
    this.matches.push({ step, node, line: line.number });
  }

  /** The match `direction` steps on, around the ends. */
  move(direction: 1 | -1): Match | null {
    if (!this.matches.length) return null;
    const start = this.current < 0 && direction < 0 ? 0 : this.current;
    this.current = (start + direction + this.matches.length) % this.matches.length;
    return this.matches[this.current] ?? null;
  }

  private async fetchMatches(find: string, abort: AbortController): Promise<Match[]> {
    const address = `${this.url}${this.url.includes("?") ? "&" : "?"}q=${encodeURIComponent(find)}`;
    const response = await fetch(address, { headers: { Accept: "application/jsonl" }, signal: abort.signal });
    if (!response.ok || !response.body) throw new Error(`The search answered ${response.status}`);
    const matches: Match[] = [];
    for await (const line of linesOf(response.body)) {
      matches.push(JSON.parse(line) as Match);
      if (matches.length >= MOST_MATCHES) break;
    }
    return matches;
  }
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const lines = (rest + decoder.decode(value, { stream: !done })).split("\n");
      rest = done ? "" : (lines.pop() ?? "");
      for (const line of lines) if (line.trim()) yield line;
      if (done) return;
    }
  } finally {
    void reader.cancel();
  }
}
