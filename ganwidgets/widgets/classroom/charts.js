// The charts of a class: expected curves beside the outcome, and the losses of a run.

import { clamp } from "../browser/shared/numbers.js";
import { colorsOf, fittedPen } from "../browser/shared/canvases.js";

const DASHES = [[], [6, 4], [2, 3], [10, 3, 2, 3]];

/** Pixels of a line of the legend, and of the gap left of it. */
const [LINE, LEFT] = [16, 44];

const FONT = "13px system-ui, sans-serif";

function chartPen(canvas) {
  const pen = fittedPen(canvas);
  pen.font = FONT;
  pen.fillStyle = getComputedStyle(canvas).color;
  return [pen, canvas.clientWidth, canvas.clientHeight];
}

/** Draw expected and actual values of a loss, each null or a list, and the area between them, on an axis [low, high]. */
export function drawExpectation(canvas, expected, actual, [low, high]) {
  const [pen, width, height] = chartPen(canvas);
  const text = pen.fillStyle;
  pen.fillText(String(high), 2, 14);
  pen.fillText(String(low), 2, height - 4);
  const y = (value) => (height * (high - clamp(value, low, high))) / (high - low);
  const line = (values, color, dash) => {
    pen.strokeStyle = color;
    pen.lineWidth = 3;
    pen.setLineDash(dash);
    pen.beginPath();
    values.forEach((value, at) => value !== null && pen.lineTo((at / (values.length - 1)) * width, y(value)));
    pen.stroke();
    pen.setLineDash([]);
  };
  if (expected && actual.length) {
    pen.globalAlpha = 0.25;
    pen.beginPath();
    expected.forEach((value, at) => pen.lineTo((at / (expected.length - 1)) * width, y(value)));
    [...actual].reverse().forEach((value, at) => pen.lineTo(width * (1 - at / (actual.length - 1)), y(value ?? 0)));
    pen.fill();
    pen.globalAlpha = 1;
  }
  if (expected) line(expected, text, [6, 4]);
  if (actual.length) line(actual, colorsOf(canvas, ["d"]).d, []);
}

/** Return the place of each text, in lines that fit the width, and the number of lines. */
function legend(pen, texts, width) {
  let [left, line] = [LEFT, 1];
  const places = texts.map((text) => {
    const needed = pen.measureText(text).width;
    if (left > LEFT && left + needed > width) [left, line] = [LEFT, line + 1];
    const place = [left, LINE * line - 2];
    left += needed + 16;
    return place;
  });
  return [places, line];
}

/**
 * Draw losses, rows of [iteration, a loss for each of `curves`], where null is a gap; a curve is [column, tone].
 * On a logarithmic axis, values that are not positive are gaps too.
 */
export function drawLosses(canvas, losses, words, curves, logarithmic = false) {
  const [pen, width, height] = chartPen(canvas);
  const placed = (value) => (value === null || (logarithmic && value <= 0) ? null : logarithmic ? Math.log10(value) : value);
  const values = losses.flatMap(([, ...row]) => row.map(placed)).filter((each) => each !== null).sort((a, b) => a - b);
  if (!values.length) return;
  const most = values[Math.floor(0.98 * (values.length - 1))];
  const [low, high] = logarithmic
    ? [Math.floor(values[0]), Math.max(Math.floor(values[0]) + 1, Math.ceil(most))]
    : [Math.min(0, values[0]), most * 1.1 || 1];
  const named = (value) => (logarithmic ? String(Number((10 ** value).toPrecision(3))) : value.toFixed(2));
  const [first, last] = [losses[0][0], losses.at(-1)[0]];
  const [labels, lines] = legend(pen, curves.map(([column]) => words[column]), width);
  const x = (at) => 40 + ((at - first) / Math.max(1, last - first)) * (width - 48);
  const y = (at) => height - 24 - ((Math.min(at, high) - low) / (high - low || 1)) * (height - 34 - LINE * lines);
  pen.fillText(named(high), 2, y(high) + 4);
  pen.fillText(named(low), 2, y(low) + 4);
  pen.fillText(String(first), 40, height - 6);
  pen.fillText(String(last), width - 50, height - 6);
  const colors = colorsOf(canvas, curves.map(([, tone]) => tone));
  curves.forEach(([column, tone], number) => {
    pen.strokeStyle = pen.fillStyle = colors[tone];
    pen.lineWidth = 2;
    pen.setLineDash(DASHES[number % DASHES.length]);
    pen.beginPath();
    let broken = true;
    for (const row of losses) {
      const value = placed(row[number + 1]);
      if (value === null) broken = true;
      else {
        pen[broken ? "moveTo" : "lineTo"](x(row[0]), y(value));
        broken = false;
      }
    }
    pen.stroke();
    pen.setLineDash([]);
    pen.fillText(words[column], ...labels[number]);
  });
  const newest = losses.at(-1);
  canvas.setAttribute("aria-label", curves.map(([column], at) => `${words[column]}: ${newest[at + 1]}`).join(", "));
}
