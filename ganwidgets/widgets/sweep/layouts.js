// The cells of a sweep on its board, as a grid or as a table. Each function returns how many cells are in a row, and the
// parts of each cell that change with a frame.

import { make } from "../browser/shared/elements.js";

/**
 * Return the axes of a grid of two settings, and its cells by row; null if the cells are no grid: several of them have
 * the same pair of values, or a pair has no cell, as in lists of configurations and random draws.
 */
function crossed(results, view) {
  const { varied } = results.scene;
  if (varied.length !== 2 || view.sort !== "given" || view.filter !== "all") return null;
  const [rows, columns] = varied.map(([name]) => [...new Set(results.cells.map((cell) => cell.settings[name]))]);
  if (results.cells.length !== rows.length * columns.length) return null;
  const [rowName, columnName] = varied.map(([name]) => name);
  const at = (row, column) => ({ settings }) => settings[rowName] === row && settings[columnName] === column;
  const cells = rows.map((row) => columns.map((column) => results.cells.find(at(row, column))));
  return cells.flat().includes(undefined) ? null : { rows, columns, cells };
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
    board.style.gridTemplateColumns = `repeat(${across}, minmax(72px, 1fr))`;
    for (const cell of cells) {
      const head = add(cell);
      for (const [name] of results.scene.varied) make(head, "div", "", {}, `${name} ${cell.settings[name]}`);
      make(head, "div", "", {}, results.seedsOf(cell));
    }
    return { across, parts };
  }
  const [rowLabel, columnLabel] = results.scene.varied.map(([, label]) => label);
  board.style.gridTemplateColumns = `auto repeat(${plan.columns.length}, minmax(72px, 1fr))`;
  const corner = make(board, "div", "gw-sweep-corner");
  make(corner, "div", "", {}, `${columnLabel} \u2192`);
  make(corner, "div", "", {}, `${rowLabel} \u2193`);
  for (const column of plan.columns) make(board, "div", "gw-sweep-axis", {}, column);
  plan.rows.forEach((row, i) => {
    make(board, "div", "gw-sweep-axis gw-sweep-row", {}, row);
    for (const cell of plan.cells[i]) add(cell).hidden = true;
  });
  return { across: plan.columns.length, parts };
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
    for (const [name] of scene.varied) make(box, "td", "", {}, cell.settings[name]);
    make(box, "td", "", {}, cell.runs.map((run) => scene.runs[run].seed).join(" "));
    const [status, foot, ...losses] = [0, 1, 2, 3].map(() => make(box, "td"));
    return { cell, box, status, foot, losses };
  });
  return { across: 1, parts };
}
