// Colours of a shop on the pages that we draw for it: made dark or light enough that text can be read (WCAG 2.2, 1.4.3).

type Rgb = readonly [red: number, green: number, blue: number];

/** Contrast of normal text at level AA. */
export const READABLE = 4.5;

const HEX = /^#[0-9a-f]{6}$/i;

/** Whether the text is a colour as `#rrggbb`. */
export const isHexColor = (text: string): boolean => HEX.test(text);

const rgbOf = (hex: string): Rgb => {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
};

const hexOf = (rgb: Rgb): string =>
  `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`;

const linear = (part: number): number => {
  const share = part / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
};

/** Relative luminance, 0 (black) to 1 (white). */
function luminance(hex: string): number {
  const [red, green, blue] = rgbOf(hex);
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

/** Contrast ratio of two colours, 1 to 21. */
export function contrast(one: string, other: string): number {
  const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (lighter + 0.05) / (darker + 0.05);
}

/** Black or white, whichever reads better on the colour; one of them always has a contrast of at least 4.5. */
export const textOn = (hex: string): string =>
  contrast(hex, '#ffffff') >= contrast(hex, '#000000') ? '#ffffff' : '#000000';

const mixed = (from: Rgb, to: Rgb, share: number): Rgb => [
  from[0] + (to[0] - from[0]) * share,
  from[1] + (to[1] - from[1]) * share,
  from[2] + (to[2] - from[2]) * share,
];

const STEPS = 20;

/** The colour, moved towards black or white only as far as it takes to be read on the background. */
export function readableOn(hex: string, background: string): string {
  const goal = rgbOf(textOn(background));
  for (let step = 0; step < STEPS; step++) {
    const moved = hexOf(mixed(rgbOf(hex), goal, step / STEPS));
    if (contrast(moved, background) >= READABLE) return moved;
  }
  return textOn(background);
}
