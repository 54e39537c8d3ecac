// Images on canvases, pixel by pixel.

import { copyPixels, resize } from "../../browser/shared/canvases.js";
import { make } from "../../browser/shared/elements.js";

/** CSS pixels between two images. */
export const GAP = 2;

/** Size of an enlarged image in CSS pixels. */
export const LARGE = 76;

/** Many images of one size as one column of pixels on a canvas that is never shown. */
export class Sheet {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.count = 0;
  }

  /** Take images, uint8 [n, H, W] or [n, H, W, 3]. */
  take(images) {
    const [count, height, width, channels = 1] = images.shape;
    Object.assign(this, { count, height, width });
    this.taken = (this.taken ?? 0) + 1;
    if (count === 0) return;
    if (this.pixels?.width !== width || this.pixels.height !== count * height) {
      this.canvas.width = width;
      this.canvas.height = count * height;
      this.pixels = new ImageData(width, count * height);
    }
    copyPixels(images, 0, channels, this.pixels.data);
    this.canvas.getContext("2d").putImageData(this.pixels, 0, 0);
  }

  /** Draw image `index` of it into a box of device pixels; pixels stay sharp unless there is no room. */
  draw(pen, index, x, y, width, height) {
    if (index >= this.count) return;
    pen.imageSmoothingEnabled = width < this.width;
    // Down to half the size, fast scaling looks the same.
    pen.imageSmoothingQuality = 2 * width < this.width ? "high" : "low";
    pen.drawImage(this.canvas, 0, index * this.height, this.width, this.height, x, y, width, height);
  }
}

/** Set the size of a canvas in device pixels, clear it, and return its context. */
export function sized(canvas, width, height, ratio) {
  const across = Math.max(1, Math.round(width * ratio));
  const down = Math.max(1, Math.round(height * ratio));
  if (canvas.width !== across || canvas.height !== down) {
    resize(canvas, across, down);
    canvas.style.width = `${across / ratio}px`;
    canvas.style.height = `${down / ratio}px`;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, across, down);
  return pen;
}

/** Draw one image of a sheet, large. */
export function drawLarge(canvas, sheet, index, ratio) {
  const scale = LARGE / Math.max(sheet.width, sheet.height);
  const pen = sized(canvas, sheet.width * scale, sheet.height * scale, ratio);
  sheet.draw(pen, index, 0, 0, canvas.width, canvas.height);
}

/** A row of small images with a word below each. */
export class Strip {
  constructor(parent, label) {
    this.canvas = make(parent, "canvas", "gw-strip", { role: "img", "aria-label": label });
    this.words = make(parent, "div", "gw-strip-words", { "aria-hidden": "true" });
  }

  /** Draw images, each `[sheet, index]`; with `words` below them, if there are any. */
  draw(images, words, room, ratio, most) {
    const count = Math.max(images.length, most);
    const side = Math.max(8, Math.floor(((room - GAP * (count - 1)) / count) * ratio) / ratio);
    const [sheet] = images[0];
    const tall = Math.round((side * sheet.height * ratio) / sheet.width) / ratio;
    const pen = sized(this.canvas, images.length * (side + GAP) - GAP, tall, ratio);
    images.forEach(([from, index], place) => {
      const x = Math.round(place * (side + GAP) * ratio);
      from.draw(pen, index, x, 0, Math.round(side * ratio), Math.round(tall * ratio));
    });
    this.words.style.gridTemplateColumns = `repeat(${images.length}, ${side}px)`;
    this.words.style.columnGap = `${GAP}px`;
    if (this.shownWords !== words.join()) {
      this.shownWords = words.join();
      this.words.replaceChildren(...words.map((word) => make(null, "span", "", {}, word)));
    }
  }

  set hidden(hidden) {
    this.canvas.hidden = this.words.hidden = hidden;
  }
}
