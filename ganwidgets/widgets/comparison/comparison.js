// Runs beside each other: overlaid curves, and a table to sort, filter, hide and colour by.
//
// To the kernel: the traits `column`, `against`, `highlighted`; the message {look: true} every two seconds while the page is
// visible, which reads the runs of other processes again; {samples: true}, {findings: true}, {better: true}.

import { make, makeButton, makeSvg, setOptions } from "../browser/shared/elements.js";
import { listen } from "../browser/shared/messages.js";
import { clamp, finite, linear, roundNumbers } from "../browser/shared/numbers.js";
import { minus, spaced } from "../browser/shared/texts.js";
import { drawAxes } from "./parallel.js";

const WIDTH = 720, HEIGHT = 260, LEFT = 56, RIGHT = 10, TOP = 10, BOTTOM = 34;
const LOOK_EVERY = 2000;

/** Columns of the table that contain sentences and cannot be an axis. */
const PROSE = ["notes", "interventions"];

function limits(values) {
  const sorted = finite(values).sort((a, b) => a - b);
  if (!sorted.length) return [0, 1];
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  const margin = 0.75 * (at(0.95) - at(0.05));
  let low = Math.max(sorted[0], at(0.05) - margin), high = Math.min(sorted.at(-1), at(0.95) + margin);
  if (!(high > low)) [low, high] = [low - 0.5, high + 0.5];
  return [low, high];
}

function ticks(low, high) {
  const { numbers, digits } = roundNumbers(low, high);
  return numbers.map((number) => Number(number.toFixed(digits)));
}

function render({ model, el }) {
  const words = model.get("words");
  const root = make(el, "div", "gw-root gw-comparison");
  const bar = make(root, "div", "gw-comparison-bar");
  const select = (trait, label) => {
    const holder = make(bar, "label", "", {}, label + " ");
    const chosen = make(holder, "select", `gw-compare-${trait}`);
    chosen.addEventListener("change", () => { model.set(trait, chosen.value); model.save_changes(); });
    return chosen;
  };
  const column = select("column", words.curve), against = select("against", words.against), colour = select("colour", words.colour);
  const holder = make(bar, "label", "", {}, words.filter + " ");
  const filter = make(holder, "input", "gw-compare-filter", { type: "search", placeholder: words.example });
  for (const asked of ["samples", "findings", "better"]) {
    makeButton(bar, `gw-action gw-compare-${asked}`, words[asked], () => model.send({ [asked]: true }));
  }
  const message = make(root, "div", "gw-compare-message", { role: "status" });
  const svg = makeSvg(root, "svg", "gw-compare-chart", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  const parallel = makeSvg(root, "svg", "gw-compare-parallel", { role: "img", "aria-label": words.parallel });
  const scroll = make(root, "div", "gw-compare-scroll");
  const table = make(scroll, "table", "gw-compare-table");
  const pictures = make(root, "div", "gw-compare-pictures");
  const hidden = new Set();
  let order = { column: null, down: false }, marked = null;

  const options = (element, values, value, names = {}) => {
    const text = JSON.stringify(values);
    if (element.dataset.values !== text) {
      setOptions(element, values.map((each) => [each, names[each] ?? each]));
      element.dataset.values = text;
    }
    element.value = value;
  };

  const matching = () => {
    const { columns, rows } = model.get("table");
    const wanted = filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const shown = rows.filter((row) => {
      const text = [row.name, ...columns.map((name, i) => `${name}=${row.cells[i]}`)].join(" ").toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
    if (order.column !== null) {
      const key = (row) => (order.column < 0 ? row.name : row.sort[order.column]);
      const compared = (a, b) => {
        const x = key(a), y = key(b);
        if (x === null || y === null) return (x === null) - (y === null);
        return typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y), undefined, { numeric: true });
      };
      shown.sort((a, b) => (order.down ? compared(b, a) : compared(a, b)));
    }
    return shown;
  };

  const drawTable = () => {
    const { columns } = model.get("table");
    table.replaceChildren();
    const head = make(make(table, "thead", ""), "tr", "");
    make(head, "th", "");
    [words.run, ...columns].forEach((name, i) => {
      const cell = make(head, "th", "", { scope: "col" });
      const active = order.column === i - 1;
      if (active) cell.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      const sort = () => {
        order = { column: i - 1, down: active && !order.down };
        draw();
      };
      const arrow = active ? (order.down ? " \u2193" : " \u2191") : "";
      makeButton(cell, "", name + arrow, sort, { title: words.sort });
    });
    const body = make(table, "tbody", "");
    for (const row of matching()) {
      const line = make(body, "tr", hidden.has(row.name) ? "gw-compare-hidden" : "");
      const first = make(line, "td", "");
      const box = make(first, "input", "", { type: "checkbox", "aria-label": `${words.show} ${row.name}` });
      box.checked = !hidden.has(row.name);
      box.addEventListener("change", () => { if (box.checked) hidden.delete(row.name); else hidden.add(row.name); draw(); });
      const swatch = makeSvg(first, "svg", "", { width: 26, height: 10, "aria-hidden": "true" });
      const stroke = { stroke: row.color, "stroke-width": 3, "stroke-dasharray": row.dash };
      makeSvg(swatch, "line", "", { x1: 2, x2: 26, y1: 5, y2: 5, ...stroke });
      make(line, "th", "", { scope: "row" }, row.name + (row.live ? " \u25cf" : ""));
      row.cells.forEach((text, i) => {
        make(line, "td", typeof row.sort[i] === "number" ? "gw-compare-number" : "", {}, text);
      });
      line.addEventListener("pointerenter", () => mark(row.name));
      line.addEventListener("pointerleave", () => mark(null));
    }
  };

  const drawCurves = () => {
    svg.replaceChildren();
    const curves = model.get("curves");
    const shown = matching().filter((row) => !hidden.has(row.name) && curves[row.name]);
    const xs = shown.flatMap((row) => curves[row.name][0]), ys = shown.flatMap((row) => curves[row.name][1]);
    const [low, high] = limits(ys);
    const first = xs.reduce((a, b) => Math.min(a, b), Infinity), last = xs.reduce((a, b) => Math.max(a, b), -Infinity);
    const x = linear(first, last > first ? last : first + 1, LEFT, WIDTH - RIGHT);
    const up = linear(low, high, HEIGHT - BOTTOM, TOP);
    const y = (v) => up(clamp(v, low, high));
    svg.setAttribute("aria-label", model.get("column"));
    for (const tick of ticks(low, high)) {
      makeSvg(svg, "line", "gw-compare-grid", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick) });
      makeSvg(svg, "text", "", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, minus(String(tick)));
    }
    if (shown.length) {
      for (const tick of ticks(first, last > first ? last : first + 1)) {
        const place = { x: x(tick), y: HEIGHT - BOTTOM + 15, "text-anchor": "middle" };
        makeSvg(svg, "text", "", place, Number.isInteger(tick) ? spaced(tick) : tick);
      }
    }
    const inside = { x: LEFT, y: TOP, width: WIDTH - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM };
    makeSvg(svg, "rect", "gw-compare-frame", inside);
    const name = model.get("table").axes[model.get("against")];
    makeSvg(svg, "text", "", { x: (LEFT + WIDTH) / 2, y: HEIGHT - 4, "text-anchor": "middle" }, name);
    for (const row of shown) {
      const [places, values] = curves[row.name];
      const points = places.map((at, i) => `${x(at).toFixed(1)},${y(values[i]).toFixed(1)}`).join(" ");
      const faint = marked !== null && marked !== row.name;
      const line = makeSvg(svg, "polyline", "", {
        points, fill: "none", stroke: row.color, "stroke-width": marked === row.name ? 3 : 1.6,
        "stroke-opacity": faint ? 0.2 : 0.95, "stroke-dasharray": row.dash,
      });
      makeSvg(line, "title", "", {}, row.name);
    }
  };

  const drawParallel = () => {
    const { columns, colours, rows } = model.get("table");
    const shown = matching().filter((row) => !hidden.has(row.name));
    const names = columns.filter((name) => (name in colours || name === model.get("column")) && !PROSE.includes(name));
    drawAxes(parallel, names.map((name) => [name, columns.indexOf(name)]), rows, shown, marked, mark);
  };

  const mark = (name) => {
    if (marked === name) return;
    marked = name;
    drawCurves();
    drawParallel();
  };

  const draw = () => {
    const { numbers, axes, colours } = model.get("table");
    options(column, numbers, model.get("column"));
    options(against, Object.keys(axes), model.get("against"), axes);
    options(colour, Object.keys(colours), model.get("colour"), colours);
    drawTable();
    drawCurves();
    drawParallel();
    message.innerHTML = model.get("message");  // made by the kernel, names escaped there
    pictures.innerHTML = model.get("pictures");  // made by the kernel, names escaped there
  };
  filter.addEventListener("input", draw);
  const traits = ["table", "curves", "pictures", "message"];
  const unlisten = listen(model, Object.fromEntries(traits.map((trait) => [`change:${trait}`, draw])));
  const timer = setInterval(() => {
    if (document.visibilityState === "visible" && el.isConnected && el.offsetParent !== null) model.send({ look: true });
  }, LOOK_EVERY);
  draw();
  return () => {
    clearInterval(timer);
    unlisten();
  };
}

export default { render };
