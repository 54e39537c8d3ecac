// Painters of the graph's parts, for small and large boxes.

import { imageAt } from "../../browser/shared/canvases.js";
import { clamp, mix } from "../../browser/shared/numbers.js";
import { minus } from "../../browser/shared/texts.js";

const dots = (pen, places, box, color, radius) => {
  if (!places) return;
  for (let index = 0; index < places.length; index += 2) {
    const [x, y] = [box.x + places[index] * box.w, box.y + (1 - places[index + 1]) * box.h];
    if (!Number.isFinite(x + y)) continue;
    pen.fillStyle = typeof color === "string" ? color : color(index / 2);
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fill();
  }
};

const squares = (pen, places, box, color, half) => {
  if (!places) return;
  for (let index = 0; index < places.length; index += 2) {
    const [x, y] = [box.x + places[index] * box.w, box.y + (1 - places[index + 1]) * box.h];
    if (!Number.isFinite(x + y)) continue;
    pen.fillStyle = typeof color === "string" ? color : color(index / 2);
    pen.fillRect(x - half, y - half, 2 * half, 2 * half);
  }
};

/** Images in a square grid. */
const strip = (pen, images, box, most, frames) => {
  if (!images) return;
  const [count, height, width, channels] = images.shape;
  const side = Math.floor(Math.sqrt(Math.min(most, count)));
  const size = (box.w - 2) / side;
  const tile = new OffscreenCanvas(width, height);
  const brush = tile.getContext("2d");
  pen.imageSmoothingEnabled = false;
  for (let index = 0; index < side * side; index += 1) {
    brush.putImageData(imageAt(images, index, [height, width, channels]), 0, 0);
    const [x, y] = [box.x + 1 + (index % side) * size, box.y + 1 + Math.floor(index / side) * size];
    pen.drawImage(tile, x + 1, y + 1, size - 2, size - 2);
    if (!frames) continue;
    pen.strokeStyle = frames(index);
    pen.lineWidth = Math.max(2, size / 16);
    pen.strokeRect(x + 1, y + 1, size - 2, size - 2);
  }
};

/** The noise grid between 0, regular, and 1, mapped by the generator. */
const grid = ({ pen, parts, frame, colors }, box, share) => {
  const { grid: before, manifold: after } = parts;
  if (!before || !after) return;
  const [rows, columns] = after.shape;
  const at = (index) => [
    box.x + mix(before[2 * index], after[2 * index], share) * box.w,
    box.y + (1 - mix(before[2 * index + 1], after[2 * index + 1], share)) * box.h,
  ];
  pen.fillStyle = pen.strokeStyle = colors.g;
  if (rows === 1) {
    pen.lineWidth = 2;
    pen.beginPath();
    for (let index = 0; index < columns; index += 1) pen.lineTo(...at(index));
    pen.stroke();
    for (let index = 0; index < columns; index += 1) {
      pen.beginPath();
      pen.arc(...at(index), 2, 0, 2 * Math.PI);
      pen.fill();
    }
    return;
  }
  pen.lineWidth = box.w > 200 ? 0.8 : 0.5;
  for (let row = 0; row + 1 < rows; row += 1) {
    for (let column = 0; column + 1 < columns; column += 1) {
      const start = row * columns + column;
      const ring = [start, start + 1, start + columns + 1, start + columns].map(at);
      let twice = 0;
      ring.forEach(([x, y], side) => {
        const [u, v] = ring[(side + 1) % 4];
        twice += x * v - u * y;
      });
      const density = (frame.share * box.w * box.h) / Math.max(Math.abs(twice) / 2, 1e-9);
      if (!Number.isFinite(density)) continue;
      const path = new Path2D();
      for (const corner of ring) path.lineTo(...corner);
      path.closePath();
      pen.globalAlpha = clamp(0.08 + 0.13 * Math.log2(1 + density), 0.08, 0.85);
      pen.fill(path);
      pen.globalAlpha = 0.6;
      pen.stroke(path);
    }
  }
  pen.globalAlpha = 1;
};

const heat = ({ pen, parts, colors }, box) => {
  const [rows, columns] = parts.heat.shape;
  const tile = new OffscreenCanvas(columns, rows);
  const brush = tile.getContext("2d");
  const pixels = brush.createImageData(columns, rows);
  const [real, generated] = [colors.real, colors.generated].map(channels);
  for (let index = 0; index < rows * columns; index += 1) {
    const shade = parts.heat[index];
    pixels.data.set(shade < 0 ? generated : real, 4 * index);
    pixels.data[4 * index + 3] = 115 * Math.abs(shade / 16);
  }
  brush.putImageData(pixels, 0, 0);
  pen.imageSmoothingEnabled = true;
  pen.drawImage(tile, box.x, box.y, box.w, box.h);
};

const channels = (color) => [1, 3, 5].map((start) => Number.parseInt(color.slice(start, start + 2), 16));

/** Histograms of D's verdicts: real samples upward, generated samples downward. */
const histogram = ({ pen, parts, colors, words }, box, large) => {
  const bins = large ? 24 : 12;
  const pad = large ? 26 : 6;
  const middle = box.y + box.h / 2;
  const width = (box.w - 2 * pad) / bins;
  const tall = box.h / 2 - pad;
  for (const [name, color, sign] of [
    ["score_real", colors.real, -1],
    ["score_generated", colors.generated, 1],
  ]) {
    const scores = parts[name];
    if (!scores) continue;
    const counts = new Array(bins).fill(0);
    for (const score of scores) counts[clamp(Math.floor(score * bins), 0, bins - 1)] += 1;
    const most = Math.max(...counts);
    pen.fillStyle = color;
    counts.forEach((count, index) => {
      const height = (count / most) * tall;
      pen.fillRect(box.x + pad + index * width + 0.5, sign < 0 ? middle - height : middle + 1, width - 1, height);
    });
  }
  pen.fillStyle = colors.text;
  pen.globalAlpha = 0.5;
  pen.fillRect(box.x + pad / 2, middle, box.w - pad, 1);
  pen.globalAlpha = 1;
  if (!large) return;
  pen.font = `13px ${colors.font}`;
  pen.textAlign = "left";
  pen.fillText(`0 ${words.saysGenerated}`, box.x + pad, box.y + box.h - 6);
  pen.textAlign = "right";
  pen.fillText(`1 ${words.saysReal}`, box.x + box.w - pad, box.y + box.h - 6);
};

const arrows = ({ pen, parts, colors }, box, size) => {
  const { generated, gradients } = parts;
  if (!generated || !gradients) return;
  dots(pen, generated, box, colors.generated, 0.8 * size);
  pen.strokeStyle = colors.text;
  pen.lineWidth = size > 1.5 ? 1.2 : 0.9;
  const most = size > 1.5 ? generated.length : Math.min(generated.length, 100);
  pen.beginPath();
  for (let index = 0; index < most; index += 2) {
    const [x, y] = [box.x + generated[index] * box.w, box.y + (1 - generated[index + 1]) * box.h];
    const strength = Math.hypot(gradients[index], gradients[index + 1]);
    if (!Number.isFinite(x + y + strength) || strength === 0) continue;
    const length = 0.9 * Math.min(0.12 * box.w, (size > 1.5 ? 0.026 : 0.05) * box.w * Math.log10(1 + 10 * strength));
    const [dx, dy] = [(length * gradients[index]) / strength, (-length * gradients[index + 1]) / strength];
    pen.moveTo(x, y);
    pen.lineTo(x + dx, y + dy);
    if (size <= 1.5) continue;
    pen.moveTo(x + 0.65 * dx - 0.2 * dy, y + 0.65 * dy + 0.2 * dx);
    pen.lineTo(x + dx, y + dy);
    pen.lineTo(x + 0.65 * dx + 0.2 * dy, y + 0.65 * dy - 0.2 * dx);
  }
  pen.stroke();
};

/** A loss as a bar from zero, on a scale for both losses; negative ones to the left. */
const bar = ({ pen, frame, colors }, box, name) => {
  const [low, high] = frame.limits;
  const value = frame.record[name];
  const inner = { x: box.x + 8, y: box.y + box.h - 17, w: box.w - 16, h: 10 };
  const at = (number) => inner.x + clamp((number - low) / (high - low), 0, 1) * inner.w;
  pen.globalAlpha = 0.12;
  pen.fillStyle = colors.text;
  pen.fillRect(inner.x, inner.y, inner.w, inner.h);
  pen.globalAlpha = 1;
  if (Number.isFinite(value)) {
    pen.fillStyle = name === "loss_d" ? colors.d : colors.g;
    pen.fillRect(Math.min(at(0), at(value)), inner.y, Math.max(2, Math.abs(at(value) - at(0))), inner.h);
  }
  pen.fillStyle = colors.text;
  pen.fillRect(at(0) - 0.75, inner.y - 3, 1.5, inner.h + 6);
};

const curves = ({ pen, parts, colors, words }, box, names) => {
  const lines = names.map((name) => parts[name]).filter(Boolean);
  const numbers = lines.flatMap((line) => [...line.subarray(line.shape[1])]).filter(Number.isFinite);
  if (!numbers.length) return;
  const [low, high] = [Math.min(0, ...numbers), Math.max(0, ...numbers)];
  const last = Math.max(...lines.map((line) => line[line.shape[1] - 1]), 1);
  const inner = { x: box.x + 50, y: box.y + 14, w: box.w - 64, h: box.h - 44 };
  const up = (value) => inner.y + inner.h * (1 - (value - low) / (high - low || 1));
  pen.font = `13px ${colors.font}`;
  pen.fillStyle = colors.text;
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  for (const value of new Set([low, 0, high])) {
    pen.fillText(minus(value.toPrecision(3)).replace(/^0\.00$/, "0"), inner.x - 6, up(value));
    pen.globalAlpha = 0.2;
    pen.fillRect(inner.x, up(value), inner.w, 1);
    pen.globalAlpha = 1;
  }
  pen.fillText(`${last}`, inner.x + inner.w, inner.y + inner.h + 16);
  pen.textAlign = "left";
  pen.fillText(words.iteration, inner.x, inner.y + inner.h + 16);
  for (const name of names) {
    const line = parts[name];
    if (!line) continue;
    const count = line.shape[1];
    pen.strokeStyle = name.endsWith("_d") ? colors.d : colors.g;
    pen.lineWidth = 2;
    pen.setLineDash(name.endsWith("_d") ? [] : [7, 4]);
    pen.beginPath();
    for (let index = 0; index < count; index += 1) {
      if (Number.isFinite(line[count + index])) pen.lineTo(inner.x + (line[index] / last) * inner.w, up(line[count + index]));
    }
    pen.stroke();
    pen.setLineDash([]);
  }
};

/** Colour between "generated" and "real", with the text's grey in the middle. */
const scoreColor = ({ colors, parts }, name) => {
  const [low, high] = [channels(colors.generated), channels(colors.real)];
  const scores = parts[name];
  return (index) => {
    const score = scores ? scores[index] : 0.5;
    const end = score < 0.5 ? low : high;
    const share = Math.min(1, 2 * Math.abs(score - 0.5));
    return `rgb(${end.map((value) => Math.round(mix(176, value, Math.sqrt(share)))).join()})`;
  };
};

/** Paint a part into a box; `size` is 1 for a miniature and more for the large view. */
export function paint(name, scene, box, size, share) {
  const { pen, parts, colors, frame } = scene;
  const large = size > 1;
  const images = frame.view === "gallery";
  const most = name === "generator" || large ? 9 : 4;
  switch (name) {
    case "noise":
      dots(pen, parts.noise, box, colors.muted, 1.3 * size);
      break;
    case "generator":
      if (images) strip(pen, parts.slice ?? parts.generated_images, box, 9);
      else {
        grid(scene, box, share);
        if (share < 1 && frame.whole && parts.noise && parts.generated) {
          const between = parts.noise.map((value, index) => mix(value, parts.generated[index], share));
          dots(pen, between, box, colors.generated, 1.2 * size);
        }
      }
      break;
    case "real":
      if (images) strip(pen, parts.real_images, box, most);
      else squares(pen, parts.real, box, colors.real, 1.1 * size);
      break;
    case "generated":
      if (images) strip(pen, parts.generated_images, box, most);
      else dots(pen, parts.generated, box, colors.generated, 1.3 * size);
      break;
    case "discriminator":
      if (parts.heat) {
        heat(scene, box);
        if (!large) break;
        squares(pen, parts.real, box, colors.real, 1.8);
        dots(pen, parts.generated, box, colors.generated, 2);
      } else histogram(scene, box, large);
      break;
    case "score_real":
    case "score_generated": {
      if (large) {
        histogram(scene, box, true);
        break;
      }
      const kind = name.replace("score_", "");
      const color = scoreColor(scene, name);
      if (images) strip(pen, parts[`${kind}_images`], box, 4, color);
      else (kind === "real" ? squares : dots)(pen, parts[kind], box, color, 1.4);
      break;
    }
    case "loss_d":
    case "loss_g":
      if (large) curves(scene, box, ["loss_d", "loss_g"]);
      else bar(scene, box, name);
      break;
    case "gradient_d":
      if (large) curves(scene, box, ["grad_norm_d", "grad_norm_g"]);
      break;
    case "gradient_g": {
      const inner = large ? box : { x: box.x + 3, y: box.y + 2, w: box.h - 4, h: box.h - 4 };
      pen.beginPath();
      pen.rect(inner.x, inner.y, inner.w, inner.h);
      pen.clip();
      if (images) strip(pen, parts.gradient_images, inner, large ? 9 : 1);
      else arrows(scene, inner, size);
      break;
    }
  }
}
