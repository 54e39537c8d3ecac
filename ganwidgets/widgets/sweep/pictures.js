// What a cell of the grid shows: samples of its first run, and the losses of all its runs.
//
// Sizes and colours come from the caller: reading them from the page after a write forces the browser to lay it out again.

import { imageAt, resize } from "../browser/shared/canvases.js";
import { clamp, finite } from "../browser/shared/numbers.js";
import { mean } from "./results.js";

const DOT = 2;

/** Return the size of a canvas in device pixels, and the device pixels of a pixel of the page. */
export function sizeOf(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.max(1, Math.round(side * ratio)));
  return { w, h, ratio };
}

/** Return the cleared pen of a canvas. */
function penOf(canvas, { w, h }) {
  resize(canvas, w, h);
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, w, h);
  return pen;
}

function drawPoints(pen, points, start, n, { w, h, ratio }, [low, high], color) {
  pen.fillStyle = color;
  for (let i = start; i < start + n; i += 1) {
    const x = ((points[2 * i] - low) / (high - low)) * w;
    const y = h - ((points[2 * i + 1] - low) / (high - low)) * h;
    if (x >= 0 && x <= w && y >= 0 && y <= h) pen.fillRect(x - ratio, y - ratio, DOT * ratio, DOT * ratio);
  }
}

/** The real samples of a plane, drawn once for all cells of one size and colour. */
export class RealPoints {
  constructor(real) {
    this.points = real.flat();
    const [low, high] = [Math.min(...this.points), Math.max(...this.points)];
    const room = 0.3 * (high - low || 1);
    this.reach = [low - room, high + room];
    this.key = "";
  }

  /** Return a canvas of that size with the real samples. */
  drawn(size, color) {
    const key = [size.w, size.h, color].join();
    if (this.key !== key) {
      this.key = key;
      this.canvas = document.createElement("canvas");
      drawPoints(penOf(this.canvas, size), this.points, 0, this.points.length / 2, size, this.reach, color);
    }
    return this.canvas;
  }
}

/** Draw the samples of a run. `real` is a `RealPoints` for a plane, null for images. */
export function drawSamples(canvas, size, run, { samples }, real, colors) {
  const n = samples.shape[1];
  const pen = penOf(canvas, size);
  if (real) {
    pen.drawImage(real.drawn(size, colors.real), 0, 0);
    drawPoints(pen, samples, run * n, n, size, real.reach, colors.generated);
    return;
  }
  const [, , height, width, channels] = samples.shape;
  const across = Math.ceil(Math.sqrt(n));
  const side = size.w / across;
  const small = Object.assign(document.createElement("canvas"), { width, height });
  pen.imageSmoothingEnabled = false;
  for (let k = 0; k < n; k += 1) {
    small.getContext("2d").putImageData(imageAt(samples, run * n + k, [height, width, channels]), 0, 0);
    pen.drawImage(small, (k % across) * side, Math.floor(k / across) * side, side - 1, side - 1);
  }
}

/** Draw the losses of a cell's runs: their mean, and the range over seeds. */
export function drawLosses(canvas, size, cell, results, colors) {
  const pen = penOf(canvas, size);
  const { w, h, ratio } = size;
  const all = finite(cell.runs.flatMap((run) => [0, 1].flatMap((row) => [...results.lossesOf(run, row)])));
  if (!all.length) return;
  const sorted = all.sort((a, b) => a - b);
  const [low, high] = [sorted[Math.floor(0.02 * (sorted.length - 1))], sorted[Math.ceil(0.98 * (sorted.length - 1))]];
  const y = (v) => h - 2 * ratio - ((clamp(v, low, high) - low) / (high - low || 1)) * (h - 4 * ratio);
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
