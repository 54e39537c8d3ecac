// The samples of the plane: nearest sample to a position, and its figures.

import { imageAt } from "../../browser/shared/canvases.js";
import { fill, minus } from "../../browser/shared/texts.js";
import { PLAIN } from "./axes.js";

/** Return [layer, index] of the shown sample with the least `cost(x, y)` of its place; null if all costs are infinite. */
export function cheapest(parts, shown, place, cost) {
  let found = null;
  let least = Number.POSITIVE_INFINITY;
  for (const layer of ["generated", "real"]) {
    const points = shown[layer] ? (parts[layer] ?? []) : [];
    for (let index = 0; index < points.length; index += 2) {
      const price = cost(...place(points[index], points[index + 1]));
      if (price < least) [least, found] = [price, [layer, index / 2]];
    }
  }
  return found;
}

/** Return a number to a hundredth of its column's scale. */
function measured(value, scale) {
  const digits = scale > 0 ? Math.ceil(Math.log10(Math.max(Math.abs(value), scale) / scale)) + 2 : 6;
  return Number(value.toPrecision(Math.min(15, Math.max(1, digits)))).toString();
}

const number = (value) => minus(Math.abs(value) >= 1000 ? value.toPrecision(4) : value.toFixed(3));

/** Return the lines that describe a sample. */
export function described([layer, index], words, frame, parts) {
  const points = parts[layer];
  const lines = [`${words[layer]} \u00b7 ${index + 1}`];
  const units = frame.units ?? [PLAIN, PLAIN];
  const [x, y] = [0, 1].map((axis) => {
    const [center, scale] = units[axis];
    const value = points[2 * index + axis];
    return scale === 1 && center === 0 ? number(value) : minus(measured(center + scale * value, scale));
  });
  const [across, up] = frame.axes;
  lines.push(up ? `${across} ${x}, ${up} ${y}` : `${across} ${x}`);
  const scores = parts[`score_${layer}`];
  if (scores) {
    const logits = parts[`logit_${layer}`];
    lines.push(fill(words.score, { score: number(scores[index]), logit: number(logits[index]) }));
  }
  if (layer === "generated" && parts.latents) {
    const [, size] = parts.latents.shape;
    const latent = [...parts.latents.subarray(index * size, index * size + Math.min(size, 4))];
    const rest = size > 4 ? ", \u2026" : "";
    lines.push(fill(words.latent, { latent: latent.map((v) => minus(v.toFixed(2))).join(", ") + rest }));
  }
  return lines;
}

/** Return the picture of a sample in a list, which is empty if samples are no images. */
export function thumbnails([layer, index], parts) {
  const images = parts[`image_${layer}`];
  if (!images) return [];
  const [, height, width, channels] = images.shape;
  const picture = Object.assign(document.createElement("canvas"), { width, height, className: "gw-thumbnail" });
  picture.getContext("2d").putImageData(imageAt(images, index, [height, width, channels]), 0, 0);
  return [picture];
}
