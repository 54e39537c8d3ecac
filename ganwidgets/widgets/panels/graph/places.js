// The places of the graph's parts, and the paths between them.

import { clamp, mix } from "../../browser/shared/numbers.js";

/** Right end of the list of data on a wide stage, in pixels, equal to controls.css. */
const DATA_END = 196;

const FORWARD = [
  ["noise", "generator"],
  ["generator", "generated"],
  ["real", "discriminator"],
  ["generated", "discriminator"],
  ["discriminator", "score_real"],
  ["discriminator", "score_generated"],
  ["score_real", "loss_d"],
  ["score_generated", "loss_d"],
  ["score_generated", "loss_g"],
];

/** Layout of a stage of a given width: boxes by name, and the stage's height. */
export function places(width) {
  const share = clamp((width - 560) / 400, 0, 1);
  const small = mix(50, 76, share);
  const net = mix(104, 140, share);
  const bars = mix(100, 172, share);
  const gap = (width - 3 * small - 2 * net - bars) / 5;
  const row = mix(48, 40, share); // top of the upper row; above it D's loop and the labels
  const low = row + small + 20;
  const base = low + small;
  const columns = [small, net, small, net, small, bars].reduce(
    (starts, size) => [...starts, starts.at(-1) + size + gap],
    [0],
  );
  const box = (x, y, w, h) => ({ x, y, w, h, cx: x + w / 2, cy: y + h / 2 });
  const bar = 50;
  const pill = mix(64, 150, share);
  const wide = mix(112, 168, share);
  const middle = columns[4] + small / 2;
  return {
    height: base + 62,
    boxes: {
      noise: box(columns[0], low, small, small),
      generator: box(columns[1], base - net, net, net),
      real: box(columns[2], row, small, small),
      generated: box(columns[2], low, small, small),
      discriminator: box(columns[3], base - net, net, net),
      score_real: box(columns[4], row, small, small),
      score_generated: box(columns[4], low, small, small),
      loss_d: box(columns[5], row + small / 2 - bar / 2 + 4, bars, bar),
      loss_g: box(columns[5], low + small / 2 - bar / 2 + 4, bars, bar),
      gradient_d: box(middle - pill / 2, 0, pill, 22),
      gradient_g: box((columns[2] + small + columns[3]) / 2 - wide / 2, base + 14, wide, 46),
    },
  };
}

/** Paths between boxes as `[name, path]`: the forward paths and both loops. */
export function ways({ boxes }) {
  const found = FORWARD.map(([from, to]) => {
    const [a, b] = [boxes[from], boxes[to]];
    const [x0, x1] = [a.x + a.w + 2, b.x - 4];
    // Straight if the two boxes are side by side.
    const sides = [a, b].sort((one, other) => one.h - other.h);
    const straight = sides[0].cy > sides[1].y && sides[0].cy < sides[1].y + sides[1].h;
    if (straight) return [`${from}-${to}`, `M${x0} ${sides[0].cy}H${x1}`];
    const middle = (x0 + x1) / 2;
    const end = b.cy + 12;
    return [`${from}-${to}`, `M${x0} ${a.cy - 12}C${middle} ${a.cy - 12} ${middle} ${end} ${x1} ${end}`];
  });
  const { real, discriminator, generator, loss_d, loss_g, gradient_d, gradient_g } = boxes;
  const enter = discriminator.x + discriminator.w - 3;
  const top = gradient_d.cy;
  const bottom = gradient_g.cy;
  found.push(
    [
      "data-real",
      // From the list of data, beside the stage's upper row; above it if there is no room beside it.
      real.x - DATA_END > 60
        ? `M${DATA_END + 4} 31H${real.x - 26}q6 0 6 6V${real.y + 10}q0 6 6 6H${real.x - 4}`
        : `M${real.x - 17} 31h2q4 0 4 4V${real.y + 8}q0 4 4 4H${real.x - 4}`,
    ],
    ["loop-d", `M${loss_d.cx} ${loss_d.y - 2}V${top + 8}q0 -8 -8 -8H${enter + 8}q-8 0 -8 8V${discriminator.y - 4}`],
    [
      "loop-g",
      `M${loss_g.cx} ${loss_g.y + loss_g.h + 2}V${bottom - 8}q0 8 -8 8H${generator.cx + 8}q-8 0 -8 -8V${generator.y + generator.h + 5}`,
    ],
  );
  return found;
}
