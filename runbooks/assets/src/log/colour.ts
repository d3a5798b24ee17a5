// What a style looks like in a theme. Colours that scripts choose were meant for some terminal, not for this page: they
// keep their hue and are moved until they can be read on what is behind them.
import { NONE, TRUE_COLOUR, type Style } from "./ansi";

type Rgb = readonly [number, number, number];

export interface Paint {
  readonly colour: string; // "" stands for the page's own
  readonly background: string;
}

const BASE: readonly Rgb[] = [
  [0, 0, 0], [205, 49, 49], [13, 160, 95], [196, 160, 0], [36, 114, 220], [188, 63, 188], [17, 150, 180], [200, 204, 209],
  [110, 118, 129], [241, 76, 76], [35, 209, 139], [229, 213, 16], [88, 166, 255], [214, 112, 214], [41, 184, 219], [255, 255, 255],
];
const SURFACES = {
  light: { paper: [252, 253, 254] as Rgb, ink: [22, 27, 34] as Rgb },
  dark: { paper: [11, 15, 20] as Rgb, ink: [220, 226, 233] as Rgb },
};
const ENOUGH = 5.8; // leaves 4.5 on the backgrounds of chosen lines and of the line under the pointer

const painted = new Map<string, Paint>();

export function paintOf(style: Style, dark: boolean): Paint {
  const key = `${style.fg},${style.bg},${style.dim ? 1 : 0}${style.inverse ? 1 : 0}${dark ? 1 : 0}`;
  let paint = painted.get(key);
  if (!paint) {
    if (painted.size > 4096) painted.clear();
    paint = computePaint(style, dark);
    painted.set(key, paint);
  }
  return paint;
}

function computePaint(style: Style, dark: boolean): Paint {
  const { paper, ink } = dark ? SURFACES.dark : SURFACES.light;
  let front = style.fg === NONE ? ink : rgbOf(style.fg);
  let back = style.bg === NONE ? paper : rgbOf(style.bg);
  if (style.inverse) [front, back] = [back, front];
  if (style.dim) front = mix(front, back, 0.4);
  const plainFront = style.fg === NONE && style.bg === NONE && !style.inverse && !style.dim;
  const plainBack = style.bg === NONE && !style.inverse;
  return {
    colour: plainFront ? "" : css(readable(front, back)),
    background: plainBack ? "" : css(back),
  };
}

export function rgbOf(colour: number): Rgb {
  if (colour >= TRUE_COLOUR) return [(colour >> 16) & 255, (colour >> 8) & 255, colour & 255];
  const base = BASE[colour];
  if (base) return base;
  if (colour >= 232) {
    const grey = 8 + (colour - 232) * 10;
    return [grey, grey, grey];
  }
  const cube = colour - 16;
  return [cubeLevel(Math.floor(cube / 36)), cubeLevel(Math.floor(cube / 6) % 6), cubeLevel(cube % 6)];
}

function cubeLevel(step: number): number {
  return step === 0 ? 0 : 55 + step * 40;
}

/** `front`, moved towards black or white until it can be read on `back`. */
export function readable(front: Rgb, back: Rgb): Rgb {
  const away: Rgb = luminance(back) > 0.18 ? [0, 0, 0] : [255, 255, 255];
  for (let share = 0; share < 1; share += 0.08) {
    const tried = mix(front, away, share);
    if (contrast(tried, back) >= ENOUGH) return tried;
  }
  return away;
}

export function contrast(one: Rgb, other: Rgb): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function mix(one: Rgb, other: Rgb, share: number): Rgb {
  return one.map((part, at) => Math.round(part + ((other[at] ?? 0) - part) * share)) as unknown as Rgb;
}

function css(colour: Rgb): string {
  return `rgb(${colour.join(" ")})`;
}
