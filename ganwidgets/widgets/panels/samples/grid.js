// The grid of samples with a button for each, and the real images below it.

import { make } from "../../browser/shared/elements.js";
import { GAP, sized } from "./images.js";

/** Rows of real images for comparison; they are half as wide as the others. */
const REAL_ROWS = 2;

/** Draw `count` images of a sheet in rows; `wide` and `tall` are an image's device pixels. */
function drawRows(canvas, sheet, count, columns, wide, tall, ratio) {
  const rows = Math.ceil(count / columns);
  const gap = Math.round(GAP * ratio);
  const pen = sized(canvas, (columns * (wide + gap) - gap) / ratio, (rows * (tall + gap) - gap) / ratio, ratio);
  for (let index = 0; index < count; index += 1) {
    const x = (index % columns) * (wide + gap);
    const y = Math.floor(index / columns) * (tall + gap);
    if (index >= sheet.count) {
      pen.fillStyle = "rgb(128 128 128 / 15%)"; // room for what is still to come
      pen.fillRect(x, y, wide, tall);
    }
    sheet.draw(pen, index, x, y, wide, tall);
  }
}

/** The index of the sample that an element of the grid belongs to; -1 if none. */
export function indexOf(target) {
  const cell = target.closest?.("button[data-index]");
  return cell ? Number(cell.dataset.index) : -1;
}

export class Grid {
  constructor(el, words) {
    this.stage = make(el, "div", "gw-gallery-stage");
    this.heads = make(this.stage, "div", "gw-gallery-heads", { "aria-hidden": "true" });
    const grid = make(this.stage, "div", "gw-gallery-grid");
    this.canvas = make(grid, "canvas", "gw-pixels gw-pixels-generated", { "aria-hidden": "true" });
    this.cells = make(grid, "div", "gw-gallery-cells", {
      role: "group",
      "aria-label": words.grid,
      "data-lm-suppress-shortcuts": "true",
    });
    this.below = make(this.stage, "div", "gw-gallery-below");
    this.real = make(this.below, "canvas", "gw-pixels gw-pixels-real", { role: "img", "aria-label": words.realGrid });
  }

  /** Width of one image in device pixels such that all columns fit in the page. */
  fitting(columns, ratio) {
    return Math.max(4, Math.floor(((this.stage.clientWidth - GAP * (columns - 1)) / columns) * ratio));
  }

  /** Draw images `wide` device pixels wide, and real ones if `beside`. Return the size of one on the page. */
  draw({ sheets, frame }, wide, beside, ratio) {
    const { generated, real } = sheets;
    const { columns } = frame;
    const tall = Math.max(1, Math.round((wide * generated.height) / generated.width));
    drawRows(this.canvas, generated, frame.batch?.count ?? generated.count, columns, wide, tall, ratio);
    const shown = frame.batch ? frame.batch.real > 0 : beside;
    this.below.hidden = !shown;
    if (shown) {
      const gap = Math.round(GAP * ratio);
      const [half, low] = [wide, tall].map((side) => Math.max(1, Math.floor((side - gap) / 2)));
      const count = Math.min(real.count, 2 * REAL_ROWS * columns);
      // Real images stay the same from frame to frame.
      const drawn = [real.taken, count, columns, half, low, ratio].join();
      if (drawn !== this.realDrawn) drawRows(this.real, real, count, 2 * columns, half, low, ratio);
      this.realDrawn = drawn;
    }
    return [wide / ratio, tall / ratio];
  }

  /** Put a button over each sample; `nameOf` returns its name, and the button `focus` is in the tab order. */
  layCells({ sheets, frame }, [wide, tall], chosen, focus, nameOf, ratio) {
    const { cells } = this;
    const { count } = sheets.generated;
    const gap = Math.round(GAP * ratio) / ratio;
    cells.style.gridTemplateColumns = `repeat(${frame.columns}, ${wide}px)`;
    cells.style.gridAutoRows = `${tall}px`;
    cells.style.gap = `${gap}px`;
    while (cells.children.length > count) cells.lastChild.remove();
    while (cells.children.length < count) {
      make(cells, "button", "gw-sample", { type: "button", "data-index": cells.children.length });
    }
    [...cells.children].forEach((cell, index) => {
      const mark = "AB"[chosen.indexOf(index)] ?? "";
      if (cell.dataset.mark !== mark) {
        cell.dataset.mark = mark;
        cell.setAttribute("aria-pressed", String(mark !== ""));
      }
      const name = [nameOf(index), mark].filter(Boolean).join(", ");
      if (cell.getAttribute("aria-label") !== name) cell.setAttribute("aria-label", name);
      cell.tabIndex = index === Math.min(focus, count - 1) ? 0 : -1;
    });
    const heads = frame.labels ? frame.labels.slice(0, frame.columns).map(String) : [];
    this.heads.hidden = !heads.length;
    this.heads.style.gridTemplateColumns = cells.style.gridTemplateColumns;
    this.heads.style.columnGap = `${gap}px`;
    if (this.headed !== heads.join()) {
      this.headed = heads.join();
      this.heads.replaceChildren(...heads.map((head) => make(null, "span", "", {}, head)));
    }
  }
}
