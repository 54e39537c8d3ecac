// Details of one sample: the enlarged image, its noise, its score, and the nearest real image.

import { colorsOf } from "../../browser/shared/canvases.js";
import { make, makeButton } from "../../browser/shared/elements.js";
import { clamp } from "../../browser/shared/numbers.js";
import { fill, minus, percent } from "../../browser/shared/texts.js";
import { drawLarge, sized } from "./images.js";

/** Maximum number of noise components drawn as bars and offered as directions. */
export const BARS = 64;

const three = (value) => minus(value.toPrecision(3));

/** Bars of a sample's noise, each from -3 to 3. */
function drawBars(canvas, latents, index, ratio) {
  const [, dimensions] = latents.shape;
  const shown = Math.min(dimensions, BARS);
  const width = Math.min(Math.max(60, canvas.parentElement.clientWidth), 14 * shown);
  const height = 44;
  const pen = sized(canvas, width, height, ratio);
  const colors = colorsOf(canvas, ["g", "text"]);
  pen.scale(ratio, ratio);
  pen.fillStyle = colors.g;
  const step = width / shown;
  for (let place = 0; place < shown; place += 1) {
    const value = clamp(latents[index * dimensions + place], -3, 3);
    const length = (Math.abs(value) / 3) * (height / 2 - 1);
    pen.fillRect(place * step, value > 0 ? height / 2 - length : height / 2, Math.max(1, step - 1), length);
  }
  pen.fillStyle = colors.text;
  pen.fillRect(0, height / 2 - 0.5, width, 1);
}

/** The part of the gallery that shows one sample; `find` is called to find the nearest real image. */
export class Detail {
  constructor(el, words, find) {
    this.words = words;
    this.root = make(el, "div", "gw-gallery-detail");
    this.large = make(this.root, "canvas", "gw-large", { role: "img" });
    const facts = make(this.root, "div", "gw-gallery-facts");
    this.caption = make(facts, "p", "gw-gallery-caption");
    this.bars = make(facts, "canvas", "gw-bars", { role: "img", title: words.latent, "aria-label": words.latent });
    const near = make(this.root, "div", "gw-gallery-near");
    this.find = makeButton(near, "gw-tool gw-neighbor", words.find, find, { title: words.findHelp });
    this.near = make(near, "canvas", "gw-near", { role: "img", "aria-label": words.neighbor });
    this.nearCaption = make(near, "small");
  }

  /** Show sample `index` under its `name`; `seen` is what came from the kernel. */
  draw(index, name, seen, ratio) {
    const { words } = this;
    const { sheets, arrays, frame, near } = seen;
    drawLarge(this.large, sheets.generated, index, ratio);
    const score = arrays.scores?.[index];
    const parts = [name, score === undefined ? "" : fill(words.score, { share: percent(score) })];
    const text = parts.filter(Boolean).join(" \u00b7 ");
    if (this.caption.textContent !== text) this.caption.textContent = text;
    this.large.setAttribute("aria-label", text);
    if (arrays.latents) drawBars(this.bars, arrays.latents, index, ratio);
    const known = sheets.neighbor.count > 0 && near.sample === index && !frame.batch;
    this.find.hidden = known || Boolean(frame.batch);
    this.near.hidden = this.nearCaption.hidden = !known;
    if (!known) return;
    drawLarge(this.near, sheets.neighbor, 0, ratio);
    this.nearCaption.textContent = words.neighbor;
    this.near.title = this.nearCaption.title = fill(words.near, {
      distance: three(near.distance),
      typical: three(near.typical),
    });
  }
}
