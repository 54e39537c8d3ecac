// The cells of a sweep on its board, as a grid or as a table. Each function returns how many cells are in a row, and the
// parts of each cell that change with a frame.

import { make } from "../browser/shared/elements.js";
import { brief } from "../browser/shared/texts.js";

/** Return the value of a setting with at most four digits: random draws have many. */
function settingOf(cell, name) {
  const number = cell.numbers[name];
  return typeof number === "number" && !Number.isInteger(number) ? brief(number, 4) : cell.settings[name];
}

/** Return the values of a setting in the cells: numbers by size, texts in order of the runs. */
function valuesOf(cells, name) {
  const numbers = new Map(cells.map((cell) => [cell.settings[name], cell.numbers[name]]));
  const values = [...numbers.keys()];
  const numeric = values.every((value) => typeof numbers.get(value) === "number");
  return numeric ? values.sort((a, b) => numbers.get(a) - numbers.get(b)) : values;
}

/**
 * Return the axes of a grid of two settings, and its cells by row; null if the cells are no grid: several of them have
 * the same pair of values, or the sweep began as a list of configurations or random draws.
 * A pair has no cell (undefined) once its runs were changed.
 */
function crossed(results, view) {
  const { varied, crossed: began } = results.scene;
  if (varied.length !== 2 || view.sort !== "given" || view.filter !== "all") return null;
  const [rows, columns] = varied.map(([name]) => valuesOf(results.cells, name));
  const full = results.cells.length === rows.length * columns.length;
  if (!began && !full) return null;
  const [rowName, columnName] = varied.map(([name]) => name);
  const at = (row, column) => ({ settings }) => settings[rowName] === row && settings[columnName] === column;
  const cells = rows.map((row) => columns.map((column) => results.cells.filter(at(row, column))));
  if (cells.flat().some((found) => found.length > 1)) return null;
  return { rows, columns, cells: cells.map((row) => row.map(([cell]) => cell)) };
}

export function layGrid(board, results, view) {
  const parts = [];
  const add = (cell) => {
    const box = make(board, "div", "gw-sweep-cell", { role: "gridcell", "aria-label": results.nameOf(cell) });
    const head = make(box, "div", "gw-sweep-head");
    const canvas = make(box, "canvas", "gw-sweep-picture");
    const curve = make(box, "canvas", "gw-sweep-curve");
    const foot = make(box, "div", "gw-sweep-foot");
    parts.push({ cell, box, canvas, curve, foot });
    return head;
  };
  const { cells } = results;
  const plan = crossed(results, view);
  if (!plan) {
    const across = Math.min(cells.length, cells.length > 36 ? 9 : cells.length > 9 ? 6 : 5) || 1;
    board.style.setProperty("--gw-rows", Math.ceil(cells.length / across));
    board.style.gridTemplateColumns = `repeat(${across}, minmax(72px, var(--gw-cell-width)))`;
    for (const cell of cells) {
      const head = add(cell);
      for (const [name] of results.scene.varied) make(head, "div", "", {}, `${name} ${settingOf(cell, name)}`);
      make(head, "div", "", {}, results.seedsOf(cell));
    }
    return { across, parts };
  }
  const [rowLabel, columnLabel] = results.scene.varied.map(([, label]) => label);
  board.style.setProperty("--gw-rows", plan.rows.length);
  board.style.gridTemplateColumns = `auto repeat(${plan.columns.length}, minmax(72px, var(--gw-cell-width)))`;
  make(board, "div", "gw-sweep-columns", {}, `${columnLabel} \u2192`);
  make(board, "div", "gw-sweep-corner", {}, `${rowLabel} \u2193`);
  for (const column of plan.columns) make(board, "div", "gw-sweep-axis", {}, column);
  plan.rows.forEach((row, i) => {
    make(board, "div", "gw-sweep-axis gw-sweep-row", {}, row);
    for (const cell of plan.cells[i]) {
      if (cell) add(cell).hidden = true;
      else make(board, "div", "gw-sweep-hole");
    }
  });
  // The arrow keys move by places of the grid.
  const places = plan.cells.map((row) => row.map((cell) => parts.findIndex((part) => part.cell === cell)));
  return { across: plan.columns.length, parts, places };
}

export function layTable(board, results) {
  board.style.gridTemplateColumns = "";
  const { scene, words } = results;
  const table = make(board, "table");
  const head = make(make(table, "thead"), "tr");
  const labels = scene.varied.map(([, label]) => label);
  for (const text of [words.run, ...labels, words.seed, words.status, results.metricLabel, words.loss_d, words.loss_g]) {
    make(head, "th", "", { scope: "col" }, text);
  }
  const body = make(table, "tbody");
  const parts = results.cells.map((cell) => {
    const box = make(body, "tr", "gw-sweep-line", { "aria-label": results.nameOf(cell) });
    make(box, "th", "", { scope: "row" }, cell.runs.join(" "));
    for (const [name] of scene.varied) make(box, "td", "", {}, settingOf(cell, name));
    make(box, "td", "", {}, cell.runs.map((run) => scene.runs[run].seed).join(" "));
    const [status, foot, ...losses] = [0, 1, 2, 3].map(() => make(box, "td"));
    return { cell, box, status, foot, losses };
  });
  return { across: 1, parts };
}
