/** Colours as 0xRRGGBB. */
type Colour = number;

const channels = (c: Colour) => [(c >> 16) & 255, (c >> 8) & 255, c & 255] as const;

/** Relative luminance, WCAG 2.2. */
function luminance(c: Colour): number {
  const [r, g, b] = channels(c).map((v) => {
    const s = v / 255;
    return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

/** contrast is the WCAG ratio of two colours: 1 for the same, 21 for black on white. */
export function contrast(a: Colour, b: Colour): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

/** mix returns a colour between two: share 0 is a, 1 is b. */
export function mix(a: Colour, b: Colour, share: number): Colour {
  const [from, to] = [channels(a), channels(b)];
  const [r, g, bl] = from.map((v, i) => Math.round(v + (to[i]! - v) * share));
  return (r! << 16) | (g! << 8) | bl!;
}

const enough = 4.5; // WCAG AA for text of this size

/** legible returns the colour, or the nearest to it on its way to white or black that can be read on the background. */
export function legible(colour: Colour, background: Colour): Colour {
  const pole = contrast(0xffffff, background) >= contrast(0, background) ? 0xffffff : 0;
  for (let share = 0; share < 1; share += 0.05) {
    const c = mix(colour, pole, share);
    if (contrast(c, background) >= enough) return c;
  }
  return pole;
}

/** css writes a colour for a style sheet. */
export function css(c: Colour): string {
  return "#" + c.toString(16).padStart(6, "0");
}
