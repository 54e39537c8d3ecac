// Draws a GraphView: both networks, what flows between them, and each part as a live miniature. The
// protocol stands in graph_view.py.

const SVG = "http://www.w3.org/2000/svg";

/** Milliseconds of the noise grid's way to the manifold. */
const MORPH = 2200;
/** Pixels from dash to dash. */
const DASH = 12;
/** Where the list of data ends on a wide stage, in pixels; as in graph.css. */
const DATA_END = 196;

const FORWARD = [
  ["noise", "generator"],
  ["generator", "generated"],
  ["real", "discriminator"],
  ["generated", "discriminator"],
  ["discriminator", "score_real"],
  ["discriminator", "score_generated"],
  ["score_real", "loss_d"],
  ["score_generated", "loss_d"],
  ["score_generated", "loss_g"],
];

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const mix = (a, b, share) => a + (b - a) * share;
const still = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Where everything stands on a stage of a given width: boxes by name, and the stage's height. */
function places(width) {
  const share = clamp((width - 560) / 400, 0, 1);
  const small = mix(50, 76, share);
  const net = mix(104, 140, share);
  const bars = mix(100, 172, share);
  const gap = (width - 3 * small - 2 * net - bars) / 5;
  const row = mix(48, 40, share); // top of the upper row; above it D's loop and the labels
  const low = row + small + 20;
  const base = low + small;
  const columns = [small, net, small, net, small, bars].reduce(
    (starts, size) => [...starts, starts.at(-1) + size + gap],
    [0],
  );
  const box = (x, y, w, h) => ({ x, y, w, h, cx: x + w / 2, cy: y + h / 2 });
  const bar = 50;
  const pill = mix(64, 150, share);
  const wide = mix(112, 168, share);
  const middle = columns[4] + small / 2;
  return {
    height: base + 62,
    boxes: {
      noise: box(columns[0], low, small, small),
      generator: box(columns[1], base - net, net, net),
      real: box(columns[2], row, small, small),
      generated: box(columns[2], low, small, small),
      discriminator: box(columns[3], base - net, net, net),
      score_real: box(columns[4], row, small, small),
      score_generated: box(columns[4], low, small, small),
      loss_d: box(columns[5], row + small / 2 - bar / 2 + 4, bars, bar),
      loss_g: box(columns[5], low + small / 2 - bar / 2 + 4, bars, bar),
      gradient_d: box(middle - pill / 2, 0, pill, 22),
      gradient_g: box((columns[2] + small + columns[3]) / 2 - wide / 2, base + 14, wide, 46),
    },
  };
}

/** The ways between boxes: `[name, path]`, forward ones and both loops. */
function ways({ boxes }) {
  const found = FORWARD.map(([from, to]) => {
    const [a, b] = [boxes[from], boxes[to]];
    const [x0, x1] = [a.x + a.w + 2, b.x - 4];
    // Straight where the two boxes stand side by side.
    const sides = [a, b].sort((one, other) => one.h - other.h);
    const straight = sides[0].cy > sides[1].y && sides[0].cy < sides[1].y + sides[1].h;
    if (straight) return [`${from}-${to}`, `M${x0} ${sides[0].cy}H${x1}`];
    const middle = (x0 + x1) / 2;
    const end = b.cy + 12;
    return [`${from}-${to}`, `M${x0} ${a.cy - 12}C${middle} ${a.cy - 12} ${middle} ${end} ${x1} ${end}`];
  });
  const { real, discriminator, generator, loss_d, loss_g, gradient_d, gradient_g } = boxes;
  const enter = discriminator.x + discriminator.w - 3;
  const top = gradient_d.cy;
  const bottom = gradient_g.cy;
  found.push(
    [
      "data-real",
      // From the list of data, beside the stage's upper row; above it where there is no room beside it.
      real.x - DATA_END > 60
        ? `M${DATA_END + 4} 31H${real.x - 26}q6 0 6 6V${real.y + 10}q0 6 6 6H${real.x - 4}`
        : `M${real.x - 17} 31h2q4 0 4 4V${real.y + 8}q0 4 4 4H${real.x - 4}`,
    ],
    ["loop-d", `M${loss_d.cx} ${loss_d.y - 2}V${top + 8}q0 -8 -8 -8H${enter + 8}q-8 0 -8 8V${discriminator.y - 4}`],
    [
      "loop-g",
      `M${loss_g.cx} ${loss_g.y + loss_g.h + 2}V${bottom - 8}q0 8 -8 8H${generator.cx + 8}q-8 0 -8 -8V${generator.y + generator.h + 5}`,
    ],
  );
  return found;
}

// --- painters: what a part looks like in a box, small or large ---------------------------------------

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

/** Images side by side, as many in a row as there are rows. */
const strip = (pen, images, box, most, frames) => {
  if (!images) return;
  const [count, height, width, channels] = images.shape;
  const side = Math.floor(Math.sqrt(Math.min(most, count)));
  const size = (box.w - 2) / side;
  const tile = new OffscreenCanvas(width, height);
  const brush = tile.getContext("2d");
  const pixels = brush.createImageData(width, height);
  pen.imageSmoothingEnabled = false;
  for (let index = 0; index < side * side; index += 1) {
    const start = index * height * width * channels;
    for (let place = 0; place < height * width; place += 1) {
      for (let channel = 0; channel < 3; channel += 1) {
        pixels.data[4 * place + channel] = images[start + place * channels + Math.min(channel, channels - 1)];
      }
      pixels.data[4 * place + 3] = 255;
    }
    brush.putImageData(pixels, 0, 0);
    const [x, y] = [box.x + 1 + (index % side) * size, box.y + 1 + Math.floor(index / side) * size];
    pen.drawImage(tile, x + 1, y + 1, size - 2, size - 2);
    if (!frames) continue;
    pen.strokeStyle = frames(index);
    pen.lineWidth = Math.max(2, size / 16);
    pen.strokeRect(x + 1, y + 1, size - 2, size - 2);
  }
};

/** The noise grid on its way to the manifold: at 0 regular, at 1 where the generator takes it. */
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

/** How real both kinds of samples look to D: real ones upward, generated ones downward. */
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

/** A loss as a bar from zero, on the scale that both have; below zero to the left. */
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
    pen.fillText(value.toPrecision(3).replace("-", "\u2212").replace(/^0\.00$/, "0"), inner.x - 6, up(value));
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

/** From the colour of "generated" by way of the text's grey to that of "real". */
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
function paint(name, scene, box, size, share) {
  const { pen, parts, colors, frame } = scene;
  const large = size > 1;
  const images = frame.kind === "images";
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

let views = 0;

export default {
  render({ model, el }) {
    const words = model.get("words");
    const id = `gw-graph-${(views += 1)}-${Math.random().toString(36).slice(2, 8)}`;
    el.classList.add("gw-graph-view");
    el.setAttribute("data-lm-suppress-shortcuts", "true");
    const head = make(el, "div", "gw-graph-head");
    const fold = make(head, "button", "gw-graph-fold", { type: "button", title: words.foldHelp });
    const tell = make(head, "div", "gw-graph-tell", { id: `${id}-tell`, role: "status" });
    const stage = make(el, "div", "gw-graph-stage", { role: "group", "aria-label": words.title });
    const svg = make(stage, "svg", "gw-graph-ways", { "aria-hidden": "true" }, SVG);
    const canvas = make(stage, "canvas", "gw-graph-canvas", { "aria-hidden": "true" });
    const large = make(el, "div", "gw-graph-large", { role: "dialog", "aria-modal": "false", hidden: "" });

    let frame = null;
    let parts = {};
    let place = places(960);
    let share = 1; // of the way from the noise to the manifold
    let morphing = 0;
    let told = ""; // the part under the pointer, or in focus
    let opened = ""; // the part that is seen large
    let waiting = 0;
    let offset = 0;
    let flowed = 0;
    let flowing = false;

    // --- parts -----------------------------------------------------------------------------------

    const heads = make(make(svg, "defs", "", {}, SVG), "g", "", {}, SVG);
    for (const kind of ["forward", "d", "g"]) {
      const marker = make(
        heads,
        "marker",
        `gw-graph-tip gw-graph-tip-${kind}`,
        { id: `${id}-${kind}`, viewBox: "0 0 8 8", refX: 5, refY: 4, markerWidth: 7, markerHeight: 7, markerUnits: "userSpaceOnUse", orient: "auto" },
        SVG,
      );
      make(marker, "path", "", { d: "M0 0L8 4L0 8z" }, SVG);
    }
    const lines = {};
    for (const [name] of ways(place)) {
      const kind = name === "loop-d" ? "d" : name === "loop-g" ? "g" : "forward";
      lines[name] = make(svg, "path", `gw-way gw-way-${kind} gw-way-${name}`, { "marker-end": `url(#${id}-${kind})` }, SVG);
    }
    const nodes = {};
    for (const { name, label, short } of words.nodes) {
      const button = make(stage, "button", `gw-node gw-node-${name}`, {
        type: "button",
        "aria-label": label,
        "aria-describedby": `${id}-tell`,
        "aria-haspopup": "dialog",
      });
      const title = make(button, "span", "gw-node-label");
      title.textContent = short;
      make(button, "b", "gw-node-value");
      nodes[name] = button;
      const say = () => {
        told = name;
        saying();
      };
      button.addEventListener("pointerenter", say);
      button.addEventListener("focus", say);
      for (const away of ["pointerleave", "blur"]) {
        button.addEventListener(away, () => {
          const focused = document.activeElement?.closest?.(".gw-node");
          told = el.contains(focused) ? Object.keys(nodes).find((key) => nodes[key] === focused) : "";
          saying();
        });
      }
      button.addEventListener("click", () => enlarge(name));
    }
    const morph = make(stage, "button", "gw-morph", { type: "button", title: words.morphHelp, "aria-label": words.morphHelp });
    morph.textContent = `\u25b6\ufe0e ${words.morph}`;
    morph.addEventListener("click", () => {
      if (still()) enlarge("generator");
      else play();
    });

    // --- the way from the noise to the manifold -------------------------------------------------------

    const play = () => {
      cancelAnimationFrame(morphing);
      let began = 0;
      const step = (now) => {
        began ||= now;
        const time = clamp((now - began) / MORPH - 0.15, 0, 1);
        share = time * time * (3 - 2 * time);
        slider.value = 100 * share;
        draw();
        morphing = time < 1 ? requestAnimationFrame(step) : 0;
      };
      morphing = requestAnimationFrame(step);
    };

    // --- the large view -----------------------------------------------------------------------------

    const picture = make(large, "canvas", "gw-graph-picture", { "aria-hidden": "true" });
    const beside = make(large, "div", "gw-graph-beside");
    const title = make(beside, "h3", "", { id: `${id}-title` });
    const sentence = make(beside, "p", "");
    large.setAttribute("aria-labelledby", `${id}-title`);
    const travel = make(beside, "label", "gw-graph-travel");
    make(travel, "span", "").textContent = words.travel;
    const slider = make(travel, "input", "gw-morph-slider", { type: "range", min: 0, max: 100, value: 100 });
    slider.addEventListener("input", () => {
      cancelAnimationFrame(morphing);
      share = slider.value / 100;
      draw();
    });
    const again = make(beside, "button", "gw-action gw-morph-large", { type: "button" });
    again.textContent = words.morph;
    again.addEventListener("click", play);
    const close = make(beside, "button", "gw-action gw-graph-close", { type: "button" });
    close.textContent = words.close;
    close.addEventListener("click", () => enlarge(""));
    large.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      enlarge("");
    });

    const enlarge = (name) => {
      const before = opened;
      opened = name;
      // Before what has the focus disappears: the notebook would take the focus to a cell.
      if (!name) nodes[before]?.focus({ preventScroll: true });
      large.hidden = !name;
      if (!name) {
        share = 1;
        slider.value = 100;
      } else {
        title.textContent = words.nodes.find((node) => node.name === name).label;
        const moves = name === "generator" && frame?.kind === "points";
        travel.hidden = again.hidden = !moves;
        again.hidden ||= still();
        close.focus({ preventScroll: true });
      }
      saying();
      later();
    };

    // --- drawing ------------------------------------------------------------------------------------

    const prepared = (target) => {
      const ratio = Math.min(2, window.devicePixelRatio || 1);
      const [width, height] = [target.clientWidth, target.clientHeight];
      if (target.width !== Math.round(width * ratio)) target.width = Math.round(width * ratio);
      if (target.height !== Math.round(height * ratio)) target.height = Math.round(height * ratio);
      const pen = target.getContext("2d");
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, width, height);
      return pen;
    };

    const draw = () => {
      waiting = 0;
      if (!frame) return;
      const styles = getComputedStyle(el);
      const colors = Object.fromEntries(
        ["real", "generated", "d", "g", "text"].map((name) => [
          name,
          styles.getPropertyValue(`--gw-${name}`).trim() || "#212121",
        ]),
      );
      colors.font = styles.fontFamily;
      colors.muted = "#8a8a8a";
      const within = (pen, name, box, size) => {
        pen.save();
        pen.beginPath();
        pen.rect(box.x, box.y, box.w, box.h);
        pen.clip();
        paint(name, { pen, parts, frame, colors, words }, box, size, share);
        pen.restore();
      };
      if (model.get("unfolded")) {
        const pen = prepared(canvas);
        for (const [name, box] of Object.entries(place.boxes)) within(pen, name, box, 1);
      }
      if (opened) {
        const side = picture.clientWidth;
        within(prepared(picture), opened, { x: 0, y: 0, w: side, h: picture.clientHeight }, 2.2);
      }
    };
    const later = () => {
      waiting ||= requestAnimationFrame(draw);
    };

    const arrange = () => {
      const width = stage.clientWidth;
      if (width <= 0) return;
      place = places(Math.max(width, 480));
      stage.style.height = `${place.height}px`;
      svg.setAttribute("viewBox", `0 0 ${width} ${place.height}`);
      for (const [name, box] of Object.entries(place.boxes)) {
        Object.assign(nodes[name].style, {
          left: `${box.x}px`,
          top: `${box.y}px`,
          width: `${box.w}px`,
          height: `${box.h}px`,
        });
      }
      for (const [name, path] of ways(place)) lines[name].setAttribute("d", path);
      // For the list of data, which stands on the stage and is another widget.
      el.parentElement?.style.setProperty("--gw-stage-top", `${stage.offsetTop}px`);
      const { generator } = place.boxes;
      // Beside the name where both have room, else in the picture's corner.
      const corner = generator.w < 160;
      Object.assign(morph.style, {
        left: `${generator.x + generator.w - (corner ? 3 : 0)}px`,
        top: `${corner ? generator.y + generator.h - 21 : generator.y - 19}px`,
      });
      later();
    };

    const saying = () => {
      const text = (frame && told && frame.tells[told]) || words.lead;
      if (tell.textContent !== text) tell.textContent = text;
      const more = (frame && opened && frame.tells[opened]) || "";
      if (sentence.textContent !== more) sentence.textContent = more;
    };

    /** Show which loop is at work, and what the slow motion is about. */
    const lighten = () => {
      const { learning, stage: step } = frame;
      for (const loop of ["d", "g"]) {
        stage.classList.toggle(`gw-idle-${loop}`, !learning.includes(loop));
      }
      stage.classList.toggle("gw-in-stage", step.length > 0);
      for (const [name, node] of Object.entries(nodes)) node.classList.toggle("gw-lit", step.includes(name));
      for (const [name, line] of Object.entries(lines)) {
        const [from, to] = name.split("-");
        const loop = name === `loop-${to}` && step.includes(`gradient_${to}`);
        line.classList.toggle("gw-lit", loop || (step.includes(to) && from !== "loop"));
      }
    };

    /**
     * Let the dashes move on, farther where more steps were made meanwhile, never so far that they seem to go
     * back. They move only where a picture is drawn anyway: a page that a timer has painted again and again costs
     * more than the pictures.
     */
    const flow = () => {
      const now = performance.now();
      offset -= DASH * 0.42 * (1 - Math.exp((-frame.steps * (now - flowed)) / 2000));
      flowed = now;
      svg.style.setProperty("--gw-flow", `${(offset % (100 * DASH)).toFixed(1)}px`);
    };
    const flowAlong = (event) => {
      if (flowing && event.target.closest(".gw-root") === stage.closest(".gw-root")) flow();
    };
    const setFlow = () => {
      flowing = frame?.status === "running" && frame.steps > 0 && model.get("unfolded") && !still();
      stage.classList.toggle("gw-flows", flowing);
      if (flowing) flow();
    };

    const onMessage = (content, buffers) => {
      if (!content.frame) return;
      frame = content.frame;
      const kept = Object.entries(parts).filter(([name]) => frame.keep.includes(name));
      parts = { ...Object.fromEntries(kept), ...unpack(frame.parts, buffers) };
      for (const [name, node] of Object.entries(nodes)) {
        node.querySelector(".gw-node-value").textContent = frame.values[name] ?? "";
      }
      morph.hidden = frame.kind !== "points";
      lighten();
      setFlow();
      saying();
      later();
    };

    const showOpen = () => {
      const open = model.get("unfolded");
      el.classList.toggle("gw-folded", !open);
      fold.setAttribute("aria-expanded", String(open));
      fold.textContent = `${open ? "\u25be" : "\u25b8"} ${words.title}`;
      if (!open) enlarge("");
      setFlow();
      arrange();
    };
    fold.addEventListener("click", () => {
      model.set("unfolded", !model.get("unfolded"));
      model.save_changes();
    });

    model.on("msg:custom", onMessage);
    document.addEventListener(PICTURE, flowAlong);
    model.on("change:unfolded", showOpen);
    const resized = new ResizeObserver(arrange);
    resized.observe(stage);
    const themed = new MutationObserver(later);
    themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
    showOpen();
    saying();
    model.send({ hello: true });
    return () => {
      cancelAnimationFrame(waiting);
      cancelAnimationFrame(morphing);
      document.removeEventListener(PICTURE, flowAlong);
      resized.disconnect();
      themed.disconnect();
      model.off("msg:custom", onMessage);
      model.off("change:unfolded", showOpen);
    };
  },
};
