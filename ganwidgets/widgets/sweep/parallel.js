// Parallel coordinates of a sweep: one axis for each setting that varies and for the metric, one line for each cell.

import { makeSvg } from "../browser/shared/elements.js";
import { finite } from "../browser/shared/numbers.js";
import { brief } from "../browser/shared/texts.js";
import { figure, shade, shareOf } from "./results.js";

/** Draw the lines into `svg`; `isChosen` and `toggle` are called with a cell. */
export function drawParallel(svg, results, span, isChosen, toggle) {
  svg.replaceChildren();
  const { cells } = results;
  const { varied, log, metric } = results.scene;
  const names = [...varied.map(([name]) => name), metric];
  const labels = [...varied.map(([, label]) => label), results.metricLabel];
  const x = (i) => 90 + (names.length < 2 ? 0 : (720 * i) / (names.length - 1));
  const axes = names.map((name, i) => {
    const last = i === names.length - 1;
    const raw = cells.map((cell) => (last ? results.valueOf(cell) : cell.numbers[name] ?? cell.settings[name]));
    const distinct = [...new Set(raw)];
    const numeric = raw.every((v) => typeof v === "number");
    const scaled = (v) => (numeric ? (log.includes(name) && v > 0 ? Math.log(v) : v) : distinct.indexOf(v));
    const known = finite(raw.map(scaled));
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const y = (v) => 260 - (high === low ? 110 : (220 * (scaled(v) - low)) / (high - low));
    const ticks = last ? finite([Math.min(...finite(raw)), Math.max(...finite(raw))]) : distinct.slice(0, 9);
    return { raw, y, ticks };
  });
  cells.forEach((cell, row) => {
    // A line ends at its last setting while its metric is unknown.
    const known = axes.filter((axis) => !Number.isNaN(axis.raw[row]));
    const d = known.map((axis, i) => `${i ? "L" : "M"}${x(axes.indexOf(axis))} ${axis.y(axis.raw[row])}`).join("");
    if (d.includes("NaN")) return;
    const value = results.valueOf(cell);
    const stroke = Number.isFinite(value) ? shade(shareOf(value, span)) : "var(--gw-border)";
    const line = makeSvg(svg, "path", "", { d, fill: "none", stroke, "stroke-width": isChosen(cell) ? 4 : 2 });
    const end = results.endOf(cell);
    makeSvg(line, "title", "", {}, `${results.nameOf(cell)}: ${results.figuresOf(cell)}${end ? ` \u00b7 ${end}` : ""}`);
    line.addEventListener("click", () => toggle(cell));
  });
  names.forEach((name, i) => {
    makeSvg(svg, "line", "", { x1: x(i), x2: x(i), y1: 40, y2: 260, stroke: "currentColor", "stroke-opacity": 0.5 });
    makeSvg(svg, "text", "gw-sweep-axis-name", { x: x(i), y: 24, "text-anchor": "middle" }, labels[i]);
    for (const tick of axes[i].ticks) {
      const last = i === names.length - 1; // no line leaves it
      const side = { x: x(i) + (last ? 8 : -8), "text-anchor": last ? "start" : "end" };
      const text = typeof tick === "number" ? (last ? figure : brief)(tick) : tick;
      makeSvg(svg, "text", "", { ...side, y: axes[i].y(tick) + 4 }, text);
    }
  });
}
