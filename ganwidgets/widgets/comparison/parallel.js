// Parallel coordinates: one axis for each setting that differs and for the result, one line for each run.

import { makeSvg } from "../browser/shared/elements.js";

const AXES = { width: 720, height: 190, left: 60, right: 60, top: 26, bottom: 12, line: 12 };

/** Map the values of a column to 0..1: numbers linearly, or logarithmically from a ratio of 30 on; texts in order. */
function placed(values) {
  const known = values.filter((each) => each !== null);
  if (known.length && known.every((each) => typeof each === "number")) {
    const low = Math.min(...known), high = Math.max(...known);
    const scale = low > 0 && high > 30 * low ? Math.log : (v) => v;
    const span = scale(high) - scale(low);
    return (value) => (value === null ? null : span > 0 ? (scale(value) - scale(low)) / span : 0.5);
  }
  const texts = [...new Set(known)].sort((a, b) => String(a).localeCompare(String(b), undefined, { numeric: true }));
  return (value) => (value === null ? null : texts.length > 1 ? texts.indexOf(value) / (texts.length - 1) : 0.5);
}

/** Write values of a column beside its axis, above the lines: both ends first, then others if there is room. */
function label(svg, rows, column, place, x, y) {
  const values = new Map();
  for (const row of rows) if (place(row) !== null) values.set(row.cells[column], y(place(row)));
  const ends = [Math.min(...values.values()), Math.max(...values.values())];
  const written = [];
  for (const [text, height] of [...values].sort(([, a], [, b]) => ends.includes(b) - ends.includes(a))) {
    if (written.some((other) => Math.abs(other - height) < AXES.line)) continue;
    written.push(height);
    makeSvg(svg, "text", "", { x: x + 5, y: height + 4 }, text);
  }
}

/** Draw `axes`, pairs of a name and its column, and a line for each run of `shown`; `mark` is called with the run under the pointer. */
export function drawAxes(svg, axes, rows, shown, marked, mark) {
  svg.replaceChildren();
  svg.style.display = axes.length > 1 ? "" : "none";
  if (axes.length < 2) return;
  const { width, height, left, right, top, bottom } = AXES;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const x = (k) => left + (k / (axes.length - 1)) * (width - left - right);
  const y = (place) => height - bottom - place * (height - top - bottom);
  const scales = axes.map(([, column]) => placed(rows.map((row) => row.sort[column])));
  axes.forEach(([name, column], k) => {
    makeSvg(svg, "line", "gw-compare-axis", { x1: x(k), x2: x(k), y1: y(0), y2: y(1) });
    makeSvg(svg, "text", "gw-compare-axis-name", { x: x(k), y: 10, "text-anchor": "middle" }, name);
  });
  for (const row of shown) {
    const points = axes
      .map(([, column], k) => [k, scales[k](row.sort[column])])
      .filter(([, place]) => place !== null)
      .map(([k, place]) => `${x(k).toFixed(1)},${y(place).toFixed(1)}`)
      .join(" ");
    const line = makeSvg(svg, "polyline", "", {
      points, fill: "none", stroke: row.color, "stroke-width": marked === row.name ? 3.5 : 1.8, "data-run": row.name,
      "stroke-opacity": marked !== null && marked !== row.name ? 0.15 : 0.9, "stroke-dasharray": row.dash,
    });
    makeSvg(line, "title", "", {}, row.name);
  }
  axes.forEach(([, column], k) => label(svg, rows, column, (row) => scales[k](row.sort[column]), x(k), y));
  svg.onpointermove = ({ target }) => mark(target.closest("[data-run]")?.dataset.run ?? null);
  svg.onpointerleave = () => mark(null);
}
