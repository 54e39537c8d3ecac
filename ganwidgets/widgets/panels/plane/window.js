// The part of the plane that a picture shows.

import { clamp } from "../../browser/shared/numbers.js";

/** Limits of the part's size relative to the whole plane. */
const NEAREST = 1 / 64;
const FARTHEST = 8;

/** The square part of the plane that a picture shows. */
export class Window {
  constructor() {
    this.home = [-1, 1, -1, 1];
    this.reset();
  }

  reset() {
    this.box = [...this.home];
  }

  /** Set the extent of the whole plane; return true if it has changed. */
  settle(extent) {
    if (extent.every((value, index) => value === this.home[index])) return false;
    this.home = extent;
    this.reset();
    return true;
  }

  get zoom() {
    return (this.home[1] - this.home[0]) / (this.box[1] - this.box[0]);
  }

  get moved() {
    return this.box.some((value, index) => value !== this.home[index]);
  }

  /** Magnify by `factor` around a position given in shares of the sides; return false if that is impossible. */
  magnify(factor, across, up) {
    const wanted = clamp(this.zoom * factor, 1 / FARTHEST, 1 / NEAREST);
    const shrink = this.zoom / wanted;
    if (Math.abs(shrink - 1) < 1e-9) return false;
    const [x0, x1, y0, y1] = this.box;
    const [x, y] = [x0 + across * (x1 - x0), y0 + up * (y1 - y0)];
    this.box = [x + (x0 - x) * shrink, x + (x1 - x) * shrink, y + (y0 - y) * shrink, y + (y1 - y) * shrink];
    return true;
  }

  /** Move by shares of the sides. */
  pan(across, up) {
    const [x0, x1, y0, y1] = this.box;
    const [dx, dy] = [across * (x1 - x0), up * (y1 - y0)];
    this.box = [x0 + dx, x1 + dx, y0 + dy, y1 + dy];
  }
}
