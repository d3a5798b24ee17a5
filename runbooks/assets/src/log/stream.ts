// Server-sent events over fetch: unlike EventSource it can begin at a known id, so that a page which closed its stream
// while hidden resumes where it was.

export interface StreamEvent {
  type: string;
  id: string;
  data: string;
}

export type StreamState = "connecting" | "live" | "lost" | "paused" | "ended" | "gone";

const SILENCE_MS = 60_000; // heartbeats come far more often: silence means that the line is dead
const LONGEST_PAUSE_MS = 15_000;

/** Splits a text stream into events. Our server ends lines with a line feed only. */
export class EventParser {
  private rest = "";

  feed(text: string): StreamEvent[] {
    const events: StreamEvent[] = [];
    const whole = this.rest + text;
    let from = 0;
    let end = whole.indexOf("\n\n", Math.max(0, this.rest.length - 1));
    for (; end >= 0; end = whole.indexOf("\n\n", from)) {
      const event = parseBlock(whole.slice(from, end));
      if (event) events.push(event);
      from = end + 2;
    }
    this.rest = whole.slice(from);
    return events;
  }
}

function parseBlock(block: string): StreamEvent | null {
  const event: StreamEvent = { type: "message", id: "", data: "" };
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data.push(value);
    else if (field === "event") event.type = value;
    else if (field === "id") event.id = value;
  }
  if (!data.length) return null;
  event.data = data.join("\n");
  return event;
}

export class EventStream {
  private lastId = "";
  private failures = 0;
  private wanted = false;
  private abort: AbortController | null = null;

  constructor(
    private readonly url: string,
    private readonly onEvent: (event: StreamEvent) => void,
    private readonly onState: (state: StreamState) => void,
  ) {}

  start(): void {
    if (this.wanted) return;
    this.wanted = true;
    void this.run();
  }

  pause(): void {
    this.wanted = false;
    this.abort?.abort();
    this.onState("paused");
  }

  /** The last event has come: nothing more to wait for. */
  finish(): void {
    this.wanted = false;
    this.abort?.abort();
    this.onState("ended");
  }

  private async run(): Promise<void> {
    while (this.wanted) {
      const abort = new AbortController();
      this.abort = abort;
      let answer: "again" | "ended" | "gone";
      try {
        answer = await this.readOnce(abort);
        this.failures = 0;
      } catch {
        answer = "again";
        this.failures += 1;
      }
      if (this.abort !== abort || !this.wanted) return; // paused meanwhile; a later start() has its own loop
      if (answer !== "again") {
        this.wanted = false;
        this.onState(answer);
        return;
      }
      if (this.failures) this.onState("lost");
      await sleep(Math.min(500 * 2 ** this.failures, LONGEST_PAUSE_MS));
      if (this.abort !== abort) return;
    }
  }

  private async readOnce(abort: AbortController): Promise<"again" | "ended" | "gone"> {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (this.lastId) headers["Last-Event-ID"] = this.lastId;
    if (!this.failures) this.onState(this.lastId ? "lost" : "connecting");
    const response = await fetch(this.url, { headers, signal: abort.signal, cache: "no-store" });
    if (response.status === 204) return "ended";
    if ([401, 403, 404].includes(response.status)) return "gone";
    if (!response.ok || !response.body) throw new Error(`The event stream answered ${response.status}`);
    this.failures = 0;
    this.onState("live");
    await this.readBody(response.body, abort);
    return "again";
  }

  private async readBody(body: ReadableStream<Uint8Array>, abort: AbortController): Promise<void> {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    const parser = new EventParser();
    let timer = 0;
    try {
      for (;;) {
        clearTimeout(timer);
        timer = window.setTimeout(() => abort.abort(), SILENCE_MS);
        const { done, value } = await reader.read();
        if (done) return;
        for (const event of parser.feed(decoder.decode(value, { stream: true }))) this.deliver(event);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  private deliver(event: StreamEvent): void {
    if (event.id && this.lastId && Number(event.id) <= Number(this.lastId)) return;
    if (event.id) this.lastId = event.id;
    this.onEvent(event);
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
