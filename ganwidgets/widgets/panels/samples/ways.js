// Paths from the chosen samples: between two latents, along a direction, and back in time.

import { make, makeButton, setOptions } from "../../browser/shared/elements.js";
import { fill, minus, spaced } from "../../browser/shared/texts.js";
import { BARS } from "./detail.js";
import { drawLarge, GAP, LARGE, Strip } from "./images.js";

/** Width of a slider's handle in pixels. */
const THUMB = 16;

/** Values along a direction, in standard deviations of the noise. */
const AMOUNTS = [-3, -2, -1, 0, 1, 2, 3];

const all = (sheet) => Array.from({ length: sheet.count }, (_, index) => [sheet, index]);

/** The part of the gallery that shows ways; `set` is called with a trait and its new value. */
export class Ways {
  constructor(el, words, set) {
    this.words = words;
    this.root = make(el, "div", "gw-gallery-ways");
    const part = (className, title) => {
      const section = make(this.root, "section", className);
      const head = make(section, "div", "gw-way-head");
      make(head, "b", "", {}, title);
      return [section, head];
    };
    const [walk, walkHead] = part("gw-walk", words.walk);
    this.walkHint = make(walkHead, "span", "gw-gallery-hint", {}, words.walkHint);
    makeButton(walkHead, "gw-tool gw-choose-none", words.clear, () => set("chosen", []));
    this.walk = new Strip(walk, words.walk);
    this.walkAs = make(walk, "div", "gw-gallery-hint");

    const [line, lineHead] = part("gw-line", words.direction);
    this.direction = make(lineHead, "select", "gw-direction", { title: words.directionHelp, "aria-label": words.direction });
    this.direction.addEventListener("change", () => set("direction", this.direction.value));
    this.lineBody = make(line, "div", "gw-line-body");
    this.moved = make(this.lineBody, "canvas", "gw-moved", { role: "img" });
    const right = make(this.lineBody, "div", "gw-line-right");
    this.line = new Strip(right, words.direction);
    const range = { type: "range", min: -3, max: 3, step: 0.05, title: words.amount, "aria-label": words.amount };
    this.amount = make(right, "input", "gw-amount", range);
    this.amount.addEventListener("input", () => set("amount", Number(this.amount.value)));

    const [past, pastHead] = part("gw-through", words.past);
    this.pastHint = make(pastHead, "span", "gw-gallery-hint", {}, words.pastHint);
    this.past = new Strip(past, words.past);
  }

  /** Show the ways of the `chosen` samples; `seen` is what came from the kernel. */
  draw(chosen, direction, amount, seen, ratio) {
    this.amount.value = amount;
    this.root.hidden = chosen.length === 0 || Boolean(seen.frame?.batch);
    if (this.root.hidden) return;
    this.offerDirections(seen.arrays.latents?.shape[1] ?? 0);
    this.direction.value = direction;
    const room = Math.min(this.root.clientWidth, 520);
    this.drawWalk(chosen, seen, room, ratio);
    this.drawLine(direction, amount, seen, room, ratio);
    this.drawPast(chosen[0], seen, room, ratio);
  }

  offerDirections(dimensions) {
    if (this.offered === dimensions) return;
    this.offered = dimensions;
    const { words } = this;
    setOptions(this.direction, [
      ["", words.none],
      ...words.strongest.slice(0, dimensions).map((text, place) => [`strongest ${place}`, text]),
      ...Array.from({ length: Math.min(dimensions, BARS) }, (_, place) => [
        `coordinate ${place}`,
        fill(words.coordinate, { number: place + 1 }),
      ]),
    ]);
  }

  drawWalk(chosen, { sheets, frame }, room, ratio) {
    const { walk } = sheets;
    const walked = chosen.length > 1 && walk.count > 0;
    this.walkHint.hidden = chosen.length > 1;
    const labels = chosen.map((index) => frame.labels?.[index]);
    const asA = walked && labels[0] !== labels[1];
    this.walkAs.textContent = asA ? fill(this.words.walkAs, { label: labels[0] }) : "";
    this.walk.hidden = !walked;
    if (walked) this.walk.draw(all(walk), ["A", ...Array(walk.count - 2).fill(""), "B"], room, ratio, 0);
  }

  drawLine(direction, amount, { sheets }, room, ratio) {
    const lined = direction !== "" && sheets.line.count > 0;
    this.lineBody.hidden = !lined;
    if (!lined) return;
    const marks = AMOUNTS.map((each) => minus(String(each)));
    this.line.draw(all(sheets.line), marks, room - LARGE - 12, ratio, 0);
    // The handle is below its image.
    const across = parseFloat(this.line.canvas.style.width);
    const side = (across + GAP) / marks.length - GAP;
    this.amount.style.width = `${across - side + THUMB}px`;
    this.amount.style.marginLeft = `${(side - THUMB) / 2}px`;
    drawLarge(this.moved, sheets.moved, 0, ratio);
    this.moved.setAttribute("aria-label", `${this.words.direction}: ${minus(amount.toFixed(2))}`);
  }

  drawPast(index, { sheets, past }, room, ratio) {
    const known = past?.sample === index && sheets.past.count > 0;
    this.pastHint.hidden = known;
    this.past.hidden = !known;
    if (!known) return;
    const images = [...all(sheets.past), [sheets.generated, index]];
    this.past.draw(images, [...past.iterations.map(spaced), this.words.now], room, ratio, 6);
  }
}
