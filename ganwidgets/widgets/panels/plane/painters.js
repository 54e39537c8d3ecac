// Painters of the plane's layers.

import { clamp } from "../../browser/shared/numbers.js";

/** Levels of the manifold's density; each level is one path. */
const SHADES = 12;

/** Maximum number of arrows in a picture. */
const ARROWS = 150;

/**
 * An arrow's length as a share of the plane's side: by the gradient's logarithm, always on the same scale,
 * so that both a gradient that vanishes and one that explodes can be seen. `slope` is the gradient times
 * the side.
 */
const arrowLength = (slope) => Math.min(0.12, 0.026 * Math.log10(1 + 10 * slope));

/** Add an arrow to a path. */
const arrow = (path, x, y, dx, dy) => {
  const length = Math.hypot(dx, dy);
  const head = Math.min(4, 0.45 * length) / length;
  path.moveTo(x, y);
  path.lineTo(x + dx, y + dy);
  path.moveTo(x + dx - head * (dx + 0.6 * dy), y + dy - head * (dy - 0.6 * dx));
  path.lineTo(x + dx, y + dy);
  path.lineTo(x + dx - head * (dx - 0.6 * dy), y + dy - head * (dy + 0.6 * dx));
};

/** Draw arrows with contrast to everything below. */
const outlined = (pen, wings, colors, color) => {
  pen.lineJoin = "round";
  pen.globalAlpha = 0.6;
  pen.strokeStyle = colors.ground;
  pen.lineWidth = 2.4;
  pen.stroke(wings);
  pen.globalAlpha = 1;
  pen.strokeStyle = color;
  pen.lineWidth = 1;
  pen.stroke(wings);
};

/** Direction in which D's logit on each sample should move, scaled by its share of the loss. */
const pulls = (pen, parts, at, colors, side) => {
  const wings = new Path2D();
  for (const kind of ["real", "generated"]) {
    const [points, wanted] = [parts[kind] ?? [], parts[`pull_${kind}`] ?? []];
    for (let index = 0; index < wanted.length; index += 1) {
      const [x, y] = at(points[2 * index], points[2 * index + 1]);
      const length = side * clamp(0.055 * wanted[index], -0.12, 0.12);
      if (Number.isFinite(x + y + length) && Math.abs(length) >= 1) arrow(wings, x, y, 0, -length);
    }
  }
  outlined(pen, wings, colors, colors.d);
};

/** One layer's painter for each name in PlanePanel's declaration; `at` maps x and y to places. */
export const PAINTERS = {
  verdict() {}, // is under this canvas, on one of ipycanvas

  manifold({ pen, parts, at, colors, frame }) {
    const corners = parts.manifold;
    if (!corners) return;
    const [rows, columns] = corners.shape;
    const place = (index) => at(corners[2 * index], corners[2 * index + 1]);
    const [x0, x1, y0, y1] = frame.extent;
    pen.fillStyle = pen.strokeStyle = colors.g;
    if (rows === 1) {
      pen.lineWidth = 2.5;
      pen.globalAlpha = 0.9;
      pen.beginPath();
      for (let index = 0; index < columns; index += 1) pen.lineTo(...place(index));
      pen.stroke();
      for (let index = 0; index < columns; index += 1) {
        pen.beginPath();
        pen.arc(...place(index), 3, 0, 2 * Math.PI);
        pen.fill();
      }
      return;
    }
    const plane = Math.abs((x1 - x0) * (y1 - y0));
    const shades = Array.from({ length: SHADES }, () => new Path2D());
    const lines = new Path2D();
    const quad = (path, ring) => {
      path.moveTo(...place(ring[0]));
      for (const corner of ring.slice(1)) path.lineTo(...place(corner));
      path.closePath();
    };
    for (let row = 0; row + 1 < rows; row += 1) {
      for (let column = 0; column + 1 < columns; column += 1) {
        const start = row * columns + column;
        const ring = [start, start + 1, start + columns + 1, start + columns];
        let twice = 0;
        ring.forEach((from, side) => {
          const to = ring[(side + 1) % 4];
          twice += corners[2 * from] * corners[2 * to + 1] - corners[2 * to] * corners[2 * from + 1];
        });
        // Density relative to samples spread evenly over the plane.
        const density = (frame.share * plane) / Math.max(Math.abs(twice) / 2, 1e-12);
        if (!Number.isFinite(density)) continue;
        quad(shades[Math.round(clamp((SHADES - 1) * Math.log2(1 + density) * 0.16, 0, SHADES - 1))], ring);
        quad(lines, ring);
      }
    }
    shades.forEach((path, shade) => {
      pen.globalAlpha = 0.08 + (0.77 * shade) / (SHADES - 1);
      pen.fill(path);
    });
    pen.lineWidth = 0.5;
    pen.globalAlpha = 0.5;
    pen.stroke(lines);
  },

  trails({ pen, parts, at, colors, frame, size }) {
    const { trails, generated } = parts;
    if (!trails || !generated) return;
    const [steps, count] = trails.shape;
    pen.strokeStyle = colors.generated;
    pen.lineWidth = 1.2;
    for (let step = 0; step < steps; step += 1) {
      pen.globalAlpha = 0.06 + (0.4 * (step + 1)) / steps;
      pen.beginPath();
      for (let index = 0; index < count; index += 1) {
        const from = 2 * (step * count + index);
        const next = step + 1 < steps ? trails : generated;
        const to = step + 1 < steps ? from + 2 * count : 2 * index;
        const [xa, ya, xb, yb] = [...at(trails[from], trails[from + 1]), ...at(next[to], next[to + 1])];
        if (!Number.isFinite(xa + ya + xb + yb)) continue;
        pen.moveTo(xa, ya);
        pen.lineTo(xb, yb);
      }
      pen.stroke();
    }
    if (!frame.ghost) return;
    // The samples of an update before it.
    pen.globalAlpha = 0.8;
    for (let index = 0; index < 2 * count; index += 2) {
      const [x, y] = at(trails[index], trails[index + 1]);
      if (!Number.isFinite(x + y)) continue;
      pen.beginPath();
      pen.arc(x, y, 3.2 * size, 0, 2 * Math.PI);
      pen.stroke();
    }
  },

  real({ pen, parts, at, colors, size }) {
    const points = parts.real;
    if (!points) return;
    pen.fillStyle = colors.real;
    pen.globalAlpha = 0.8;
    const side = 4.2 * size;
    for (let index = 0; index < points.length; index += 2) {
      const [x, y] = at(points[index], points[index + 1]);
      if (Number.isFinite(x + y)) pen.fillRect(x - side / 2, y - side / 2, side, side);
    }
  },

  gradients({ pen, parts, at, colors, frame, kind, side }) {
    const { gradients, generated } = parts;
    if (parts.pull_real || parts.pull_generated) pulls(pen, parts, at, colors, side);
    if (!gradients || !generated) return;
    const [x0, x1] = frame.extent;
    const scale = x1 - x0;
    const wings = new Path2D();
    for (let index = 0; index < Math.min(generated.length, 2 * ARROWS); index += 2) {
      const [x, y] = at(generated[index], generated[index + 1]);
      const [u, v] = [gradients[index], gradients[index + 1]];
      const strength = Math.hypot(u, v);
      if (!Number.isFinite(x + y + strength) || strength === 0) continue;
      const length = side * arrowLength(strength * scale);
      if (length < 1) continue;
      const [dx, dy] = [(u / strength) * length, (-v / strength) * length];
      arrow(wings, x, y, dx, dy);
    }
    outlined(pen, wings, colors, kind === "slope" ? colors.d : colors.text);
  },

  generated({ pen, parts, at, colors, size }) {
    const points = parts.generated;
    if (!points) return;
    pen.fillStyle = colors.generated;
    pen.globalAlpha = 0.9;
    pen.beginPath();
    const radius = 2.4 * size;
    for (let index = 0; index < points.length; index += 2) {
      const [x, y] = at(points[index], points[index + 1]);
      if (!Number.isFinite(x + y)) continue;
      pen.moveTo(x + radius, y);
      pen.arc(x, y, radius, 0, 2 * Math.PI);
    }
    pen.fill();
  },
};
