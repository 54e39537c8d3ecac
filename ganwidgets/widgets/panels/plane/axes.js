// The axes of the plane: round numbers, in the units of the data, and how they are painted.

import { brief, minus } from "../../browser/shared/texts.js";
import { roundNumbers } from "../../browser/shared/numbers.js";

/** Default font size of the numbers in pixels. */
const TICK = 11;

/** The unit of an axis without one: center, scale, and whether the data has named it. */
export const PLAIN = [0, 1, false];

/** Distance of two ticks, divided by their size, below which labels count from the first tick. */
const DISTINCT = 1e-4;

/** Letters of a label that have room beside the plane. */
const LETTERS = 5;

function ticks(low, high) {
  const { numbers, digits } = roundNumbers(low, high);
  return numbers.map((value) => [value, minus(Number(value.toFixed(digits)).toString())]);
}

const short = (value) => brief(value, 6);

/**
 * Return `{ marks: [[place, label], ...], title }` of an axis whose unit is [center, scale, named].
 *
 * Labels are (value - base) / 10 ** power; the title names base and power unless they are 0.
 */
function unitTicks([center, scale, named], name, low, high) {
  const title = named ? name : "";
  if (scale === 0) return { marks: [[0, short(center)]], title };
  if (center === 0 && scale === 1) return { marks: ticks(low, high), title };
  const values = roundNumbers(center + scale * low, center + scale * high).numbers;
  const largest = Math.max(...values.map(Math.abs));
  const close = values.length > 1 && values[1] - values[0] <= DISTINCT * largest;
  const base = close ? values[0] : 0;
  const offsets = values.map((value) => value - base);
  const long = offsets.some((offset) => short(offset).length > LETTERS);
  const power = long ? 3 * Math.floor(Math.log10(Math.max(...offsets.map(Math.abs))) / 3) : 0;
  const from = close ? ` \u2212 ${Number(base.toPrecision(12))}` : "";
  const unit = power ? ` (1e${power})` : "";
  return {
    marks: offsets.map((offset, at) => [(values[at] - center) / scale, short(offset / 10 ** power)]),
    title: from || unit ? `${name}${from}${unit}` : title,
  };
}

/**
 * Paint the axes of a frame around the square `box`; `part` is the part of the plane that is shown, and `at` maps its
 * points to places.
 */
export function drawAxes(pen, frame, part, box, at, styles, color) {
  const [x0, x1, y0, y1] = part;
  const { left, top, side } = box;
  pen.font = `${styles.getPropertyValue("--gw-tick").trim() || `${TICK}px`} ${styles.fontFamily}`;
  pen.fillStyle = pen.strokeStyle = color;
  pen.lineWidth = 1;
  pen.textAlign = "center";
  pen.textBaseline = "top";
  const [across, up] = frame.units ?? [PLAIN, PLAIN];
  const horizontal = unitTicks(across, frame.axes[0], x0, x1);
  const vertical = unitTicks(up, frame.axes[1], y0, y1);
  const line = (...ends) => {
    pen.globalAlpha = 0.14;
    pen.beginPath();
    for (const end of ends) pen.lineTo(...end);
    pen.stroke();
    pen.globalAlpha = 1;
  };
  for (const [value, label] of horizontal.marks) {
    const x = Math.round(at(value, 0)[0]) + 0.5;
    line([x, top], [x, top + side + 4]);
    pen.fillText(label, x, top + side + 7);
  }
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const [value, label] of frame.axes[1] ? vertical.marks : []) {
    const y = Math.round(at(0, value)[1]) + 0.5;
    line([left - 4, y], [left + side, y]);
    pen.fillText(label, left - 8, y);
  }
  pen.globalAlpha = 0.75;
  pen.textBaseline = "bottom";
  pen.fillText(horizontal.title, left + side - 6, top + side - 5);
  pen.textAlign = "left";
  pen.textBaseline = "top";
  if (frame.axes[1]) pen.fillText(vertical.title, left + 6, top + 6);
  pen.globalAlpha = 0.3;
  pen.strokeRect(left + 0.5, top + 0.5, side - 1, side - 1);
  pen.globalAlpha = 1;
}
