// Terminal text made safe to look at. Of all control sequences only SGR (colours and weights) has an effect; whatever
// else could hide, forge, move or link text is shown as a visible, inert mark.

export interface Style {
  readonly fg: number; // NONE, a palette index 0-255, or TRUE_COLOUR | 0xrrggbb
  readonly bg: number;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly strike: boolean;
  readonly inverse: boolean;
}

export interface Segment {
  readonly text: string;
  readonly style: Style;
  readonly inert: boolean; // stands for a control character
}

export const NONE = -1;
export const TRUE_COLOUR = 0x1000000;
export const PLAIN: Style = Object.freeze({
  fg: NONE,
  bg: NONE,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  strike: false,
  inverse: false,
});

const SGR = /\x1b\[([0-9;:]*)m/g;
// C0 but tab, DEL, C1, line and paragraph separators, and what reorders or hides text (bidi controls, soft joins).
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

const C0 = (
  "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US"
).split(" ");

const SWITCHES: Record<number, Partial<Style>> = {
  0: PLAIN,
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  9: { strike: true },
  21: { underline: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  29: { strike: false },
  39: { fg: NONE },
  49: { bg: NONE },
};

/** The text without its colours, as one reads and searches it. */
export function plainText(text: string): string {
  return text.includes("\x1b") ? text.replace(SGR, "") : text;
}

/** The style in force after `text`. */
export function styleAfter(text: string, start: Style): Style {
  if (!text.includes("\x1b")) return start;
  const reset = Math.max(text.lastIndexOf("\x1b[0m"), text.lastIndexOf("\x1b[m"));
  let style = reset < 0 ? start : PLAIN; // most lines end with a reset: then there is nothing to compute
  for (const match of text.slice(Math.max(reset, 0)).matchAll(SGR)) style = styleWith(match[1] ?? "", style);
  return style;
}

export function segmentsOf(text: string, start: Style): Segment[] {
  const segments: Segment[] = [];
  let style = start;
  let from = 0;
  for (const match of text.matchAll(SGR)) {
    addText(segments, text.slice(from, match.index), style);
    style = styleWith(match[1] ?? "", style);
    from = match.index + match[0].length;
  }
  addText(segments, text.slice(from), style);
  return segments;
}

function addText(segments: Segment[], text: string, style: Style): void {
  let rest = text;
  while (rest) {
    const at = rest.search(CONTROL);
    if (at < 0) {
      segments.push({ text: rest, style, inert: false });
      return;
    }
    if (at > 0) segments.push({ text: rest.slice(0, at), style, inert: false });
    segments.push({ text: pictureOf(rest.charCodeAt(at)), style, inert: true });
    rest = rest.slice(at + 1);
  }
}

/** "<ESC>" and so on: control pictures (U+2400) would be one character, but many fonts lack them. */
function pictureOf(code: number): string {
  if (code < 0x20) return `<${C0[code]}>`;
  if (code === 0x7f) return "<DEL>";
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

const known = new Map<string, Style>();

/** Long logs repeat a few sequences very often. */
function styleWith(parameters: string, start: Style): Style {
  if (start !== PLAIN) return applyCodes(parameters, start);
  let style = known.get(parameters);
  if (!style) {
    if (known.size > 2048) known.clear();
    style = applyCodes(parameters, start);
    known.set(parameters, style);
  }
  return style;
}

function applyCodes(parameters: string, start: Style): Style {
  if (parameters === "" || parameters === "0") return PLAIN;
  const codes = parameters.split(/[;:]/).map((code) => (code === "" ? 0 : Number(code)));
  const colons = parameters.includes(":");
  let style: Style = start;
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0;
    if (code === 38 || code === 48) {
      const [colour, used] = extendedColour(codes, at + 1, colons);
      if (colour !== NONE) style = { ...style, [code === 38 ? "fg" : "bg"]: colour };
      at += used;
    } else {
      const change = SWITCHES[code] ?? plainColour(code);
      if (change) style = { ...style, ...change };
    }
  }
  return style;
}

function plainColour(code: number): Partial<Style> | undefined {
  if (code >= 30 && code <= 37) return { fg: code - 30 };
  if (code >= 40 && code <= 47) return { bg: code - 40 };
  if (code >= 90 && code <= 97) return { fg: code - 90 + 8 };
  if (code >= 100 && code <= 107) return { bg: code - 100 + 8 };
  return undefined;
}

/** "5;n" or "2;r;g;b" (with colons also "2::r:g:b", whose colour space is empty). Returns the colour and how much of it there was. */
function extendedColour(codes: number[], at: number, colons: boolean): [colour: number, used: number] {
  if (codes[at] === 5) {
    const index = codes[at + 1] ?? NONE;
    return [index >= 0 && index <= 255 ? index : NONE, 2];
  }
  if (codes[at] !== 2) return [NONE, 1];
  const first = colons && codes.length - at >= 5 ? at + 2 : at + 1;
  const [red, green, blue] = codes.slice(first, first + 3);
  const used = first + 3 - at;
  if (red === undefined || green === undefined || blue === undefined) return [NONE, used];
  if (Math.max(red, green, blue) > 255) return [NONE, used];
  return [TRUE_COLOUR | (red << 16) | (green << 8) | blue, used];
}
