// The cells of a sweep on its board, as a grid or as a table. Each function returns how many cells are in a row, and the
// parts of each cell that change with a frame.

import { make } from "../browser/shared/elements.js";

/** Return rows and columns of a grid of two settings; null if not each pair of values has one cell. */
function crossed(results, view) {
  const { varied } = results.scene;
  if (varied.length !== 2 || view.sort !== "given" || view.filter !== "all") return null;
  const [rows, columns] = varied.map(([name]) => [...new Set(results.cells.map((cell) => cell.settings[name]))]);
  return results.cells.length === rows.length * columns.length ? { rows, columns } : null;
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
  const [[rowName, rowLabel], [columnName, columnLabel]] = results.scene.varied;
  board.style.gridTemplateColumns = `auto repeat(${plan.columns.length}, minmax(72px, 1fr))`;
  const corner = make(board, "div", "gw-sweep-corner");
  make(corner, "div", "", {}, `${columnLabel} \u2192`);
  make(corner, "div", "", {}, `${rowLabel} \u2193`);
  for (const column of plan.columns) make(board, "div", "gw-sweep-axis", {}, column);
  for (const row of plan.rows) {
    make(board, "div", "gw-sweep-axis gw-sweep-row", {}, row);
    for (const column of plan.columns) {
      add(cells.find(({ settings }) => settings[rowName] === row && settings[columnName] === column)).hidden = true;
    }
  }
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
