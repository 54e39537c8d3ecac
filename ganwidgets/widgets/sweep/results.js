// The results of a sweep by cell: a run or, with seeds folded, all runs of a configuration.

import { clamp, finite } from "../browser/shared/numbers.js";
import { brief, fill, minus } from "../browser/shared/texts.js";

/** Viridis, from worse to better: readable for the colour-blind, and in grey. */
const SCALE = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];

const ENDED = ["stopped", "diverged", "failed"];

/** Return the colour of a share from 0, the worst, to 1, the best. */
export function shade(share) {
  const place = clamp(share, 0, 1) * (SCALE.length - 1);
  const low = Math.min(Math.floor(place), SCALE.length - 2);
  const mixed = SCALE[low].map((value, i) => Math.round(value + (SCALE[low + 1][i] - value) * (place - low)));
  return `rgb(${mixed.join(",")})`;
}

/** Write a measured number with three digits, so that columns line up, or a dash if it is not finite. */
export function figure(value) {
  if (!Number.isFinite(value)) return "\u2013";
  const size = Math.abs(value);
  if (size >= 1e5) return minus(value.toExponential(1).replace("e+", "e"));
  return size >= 1e-3 && size < 100 ? minus(value.toPrecision(3)) : brief(value);
}

export const mean = (values) => (values.length ? values.reduce((a, b) => a + b, 0) / values.length : NaN);

/** True if colours and axes are logarithmic: one run far off would leave all others the same colour. */
export const logarithmic = ([worst, best]) => Math.min(worst, best) > 0 && Math.max(worst / best, best / worst) > 10;

/** Return the share of a number on the way from the worst to the best. */
export function shareOf(number, ends) {
  const [at, worst, best] = logarithmic(ends) ? [number, ...ends].map((each) => Math.log(each)) : [number, ...ends];
  return worst === best ? 1 : (at - worst) / (best - worst);
}

/** What is known of a sweep: its traits, its newest frame, and the cells that are shown. */
export class Results {
  constructor(model) {
    this.model = model;
    this.words = model.get("words");
    this.frame = null;
    this.cells = [];
    /** The iteration and the rate: of the newest frame, or of `state` if that is newer. */
    this.at = this.state;
    this.curves = new Map();
    this.frames = 0;
  }

  /** Take a frame; it brings the curves of runs that changed. */
  renew(frame, at) {
    this.frame = frame;
    this.at = at;
    this.frames += 1;
    const { curves, changed } = frame;
    const size = 2 * curves.shape[2];
    [...changed].forEach((run, row) => {
      this.curves.set(run, { version: this.frames, losses: curves.slice(row * size, (row + 1) * size) });
    });
  }

  /** Return a number that differs once a run's losses changed. */
  curveVersion(run) {
    return this.curves.get(run)?.version ?? 0;
  }

  get scene() {
    return this.model.get("scene");
  }

  get state() {
    return this.model.get("state");
  }

  /** Choose the cells that are shown; `view` has `fold`, `filter` and `sort`. */
  arrange({ fold, filter, sort }) {
    const cells = new Map();
    for (const run of this.scene.runs) {
      // Runs of one cell differ only in their seed. Settings are compared in the kernel: texts of two values may be equal.
      const key = fold ? run.configuration : run.index;
      if (!cells.has(key)) cells.set(key, { key, runs: [], settings: run.settings, numbers: run.numbers });
      cells.get(key).runs.push(run.index);
    }
    this.cells = [...cells.values()].filter((cell) => {
      const over = cell.runs.every((run) => this.ended(run));
      return filter === "all" || (filter === "ended") === over;
    });
    if (sort !== "by_metric") return;
    const sign = this.lowerIsBetter ? 1 : -1;
    const rank = (cell) => (Number.isFinite(this.valueOf(cell)) ? this.valueOf(cell) * sign : Infinity);
    this.cells.sort((a, b) => rank(a) - rank(b));
  }

  get lowerIsBetter() {
    return this.scene.scale.better === "lower";
  }

  ended(run) {
    return ENDED.includes(this.state.statuses[run]);
  }

  /** True if a run ended by itself: its metric says nothing, and may be of any size. */
  lost(run) {
    return ["diverged", "failed"].includes(this.state.statuses[run]);
  }

  valuesOf(cell) {
    const known = cell.runs.filter((run) => !this.lost(run));
    return finite(known.map((run) => (this.frame ? this.frame.values[run] : NaN)));
  }

  /** Return how many runs of a cell ended, as a text; empty if none did. */
  endOf(cell) {
    const over = cell.runs.filter((run) => this.ended(run));
    if (!over.length) return "";
    const status = [...new Set(over.map((run) => this.words[this.state.statuses[run]]))].join(", ");
    return over.length === cell.runs.length
      ? status
      : fill(this.words.some, { n: over.length, all: cell.runs.length, status });
  }

  /** The mean of the metric over a cell's runs; NaN before it was measured. */
  valueOf(cell) {
    return mean(this.valuesOf(cell));
  }

  /** The worst and the best value that is shown. */
  limits() {
    const known = finite(this.cells.map((cell) => this.valueOf(cell)));
    const { floor } = this.scene.scale;
    if (Number.isFinite(floor)) known.push(floor);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    return this.lowerIsBetter ? [high, low] : [low, high];
  }

  /** Return the settings and seeds of a cell as a text. */
  nameOf(cell) {
    const settings = this.scene.varied.map(([name, label]) => `${label} ${cell.settings[name]}`);
    return [...settings, this.seedsOf(cell)].join(", ");
  }

  /** Return the seeds of a cell as a text. */
  seedsOf(cell) {
    const seeds = [...new Set(cell.runs.map((run) => this.scene.runs[run].seed))];
    return seeds.length > 1 ? fill(this.words.seeds, { list: seeds.join(", ") }) : `${this.words.seed} ${seeds[0]}`;
  }

  /** What people call the metric. */
  get metricLabel() {
    const { metrics, metric } = this.scene;
    return metrics.find(([name]) => name === metric)?.[1] ?? metric;
  }

  /** Return the metric of a cell as a text: its mean, and the range over seeds. */
  figuresOf(cell) {
    const known = this.valuesOf(cell);
    if (known.length < 2) return figure(mean(known));
    return fill(this.words.mean, {
      mean: figure(mean(known)),
      low: figure(Math.min(...known)),
      high: figure(Math.max(...known)),
    });
  }

  /** Return a run's losses of D (`row` 0) or of G (`row` 1), of all its history; empty before they were sent. */
  lossesOf(run, row) {
    const losses = this.curves.get(run)?.losses ?? new Float32Array(0);
    const points = losses.length / 2;
    return losses.subarray(row * points, (row + 1) * points);
  }
}
