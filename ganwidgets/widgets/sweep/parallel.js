// Parallel coordinates of a sweep: one axis for each setting that varies and for the metric, one line for each cell.

import { makeSvg } from "../browser/shared/elements.js";
import { taken } from "../browser/shared/keys.js";
import { finite } from "../browser/shared/numbers.js";
import { brief } from "../browser/shared/texts.js";
import { figure, shade, shareOf } from "./results.js";

/** Pixels between two labels of an axis, at least. */
const ROOM = 15;

/** Return the ticks that have room: both ends of the axis, and what is between them. */
function apart(ticks, y) {
  const [first, ...rest] = [...ticks].sort((a, b) => y(a) - y(b));
  const end = rest.pop();
  if (end === undefined) return ticks;
  const kept = [first];
  for (const tick of rest) if (y(tick) - y(kept.at(-1)) >= ROOM && y(end) - y(tick) >= ROOM) kept.push(tick);
  return [...kept, end];
}

/** Draw the lines into `svg`; `isChosen` and `toggle` are called with a cell. */
export function drawParallel(svg, results, span, isChosen, toggle) {
  const focused = svg.contains(document.activeElement) ? document.activeElement.dataset.row : null;
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
    const ticks = last ? finite([Math.min(...finite(raw)), Math.max(...finite(raw))]) : distinct;
    return { raw, y, ticks: apart(ticks, y) };
  });
  cells.forEach((cell, row) => {
    // A line ends at its last setting while its metric is unknown.
    const known = axes.filter((axis) => !Number.isNaN(axis.raw[row]));
    const d = known.map((axis, i) => `${i ? "L" : "M"}${x(axes.indexOf(axis))} ${axis.y(axis.raw[row])}`).join("");
    if (d.includes("NaN")) return;
    const value = results.valueOf(cell);
    const stroke = Number.isFinite(value) ? shade(shareOf(value, span)) : "var(--gw-border)";
    const end = results.endOf(cell);
    const said = `${results.nameOf(cell)}: ${results.figuresOf(cell)}${end ? ` \u00b7 ${end}` : ""}`;
    const chosen = isChosen(cell);
    const hints = { role: "checkbox", "aria-checked": chosen, "aria-label": said, tabindex: 0, "data-row": row };
    const line = makeSvg(svg, "g", "gw-sweep-path", hints);
    makeSvg(line, "title", "", {}, said);
    makeSvg(line, "path", "", { d, fill: "none", stroke, "stroke-width": chosen ? 4 : 2 });
    makeSvg(line, "path", "gw-sweep-near", { d, fill: "none", "stroke-width": 12 });
    line.addEventListener("click", () => toggle(cell));
    line.addEventListener("keydown", (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      toggle(cell);
      taken(event);
    });
  });
  svg.querySelector(`[data-row="${focused}"]`)?.focus();
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
