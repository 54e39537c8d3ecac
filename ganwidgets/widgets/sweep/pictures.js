// What a cell of the grid shows: samples of its first run, and the losses of all its runs.

import { colorsOf, imageAt, resize } from "../browser/shared/canvases.js";
import { clamp, finite } from "../browser/shared/numbers.js";
import { mean } from "./results.js";

/** Return the cleared pen of a canvas, its size and the device pixels of a pixel of the page. */
function penOf(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.max(1, Math.round(side * ratio)));
  resize(canvas, w, h);
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, w, h);
  return [pen, w, h, ratio];
}

function drawPoints(pen, points, start, n, w, h, ratio, [low, high], color) {
  pen.fillStyle = color;
  for (let i = start; i < start + n; i += 1) {
    const x = ((points[2 * i] - low) / (high - low)) * w;
    const y = h - ((points[2 * i + 1] - low) / (high - low)) * h;
    if (x >= 0 && x <= w && y >= 0 && y <= h) pen.fillRect(x - ratio, y - ratio, 2 * ratio, 2 * ratio);
  }
}

/** Draw the samples of a run. */
export function drawSamples(canvas, run, { frame, scene }) {
  const { samples } = frame;
  const n = samples.shape[1];
  const [pen, w, h, ratio] = penOf(canvas);
  if (scene.view === "plane") {
    const colors = colorsOf(canvas, ["real", "generated"]);
    const real = scene.real.flat();
    const [low, high] = [Math.min(...real), Math.max(...real)];
    const room = 0.3 * (high - low || 1);
    const reach = [low - room, high + room];
    drawPoints(pen, real, 0, real.length / 2, w, h, ratio, reach, colors.real);
    drawPoints(pen, samples, run * n, n, w, h, ratio, reach, colors.generated);
    return;
  }
  const [, , height, width, channels] = samples.shape;
  const across = Math.ceil(Math.sqrt(n));
  const side = w / across;
  const small = Object.assign(document.createElement("canvas"), { width, height });
  pen.imageSmoothingEnabled = false;
  for (let k = 0; k < n; k += 1) {
    small.getContext("2d").putImageData(imageAt(samples, run * n + k, [height, width, channels]), 0, 0);
    pen.drawImage(small, (k % across) * side, Math.floor(k / across) * side, side - 1, side - 1);
  }
}

/** Draw the losses of a cell's runs: their mean, and the range over seeds. */
export function drawLosses(canvas, cell, results) {
  const [pen, w, h, ratio] = penOf(canvas);
  const all = finite(cell.runs.flatMap((run) => [0, 1].flatMap((row) => [...results.lossesOf(run, row)])));
  if (!all.length) return;
  const sorted = all.sort((a, b) => a - b);
  const [low, high] = [sorted[Math.floor(0.02 * (sorted.length - 1))], sorted[Math.ceil(0.98 * (sorted.length - 1))]];
  const y = (v) => h - 2 * ratio - ((clamp(v, low, high) - low) / (high - low || 1)) * (h - 4 * ratio);
  const colors = colorsOf(canvas, ["d", "g"]);
  ["d", "g"].forEach((network, row) => {
    const lines = cell.runs.map((run) => results.lossesOf(run, row));
    const count = Math.max(...lines.map((line) => finite([...line]).length), 2);
    const x = (i) => (i / (count - 1)) * w;
    const column = (i) => finite(lines.map((line) => line[i]));
    pen.fillStyle = pen.strokeStyle = colors[network];
    const places = [...Array(count).keys()].filter((i) => column(i).length);
    if (lines.length > 1) {
      pen.globalAlpha = 0.25;
      pen.beginPath();
      for (const i of places) pen.lineTo(x(i), y(Math.max(...column(i))));
      for (const i of [...places].reverse()) pen.lineTo(x(i), y(Math.min(...column(i))));
      pen.fill();
      pen.globalAlpha = 1;
    }
    pen.lineWidth = 1.3 * ratio;
    pen.setLineDash(row ? [4 * ratio, 2 * ratio] : []);
    pen.beginPath();
    for (const i of places) pen.lineTo(x(i), y(mean(column(i))));
    pen.stroke();
    pen.setLineDash([]);
  });
}
