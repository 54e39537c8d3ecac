// Draws a GalleryView: the grid, what a sample is, walks, directions and the past. The messages are described in
// view.py.

import { drawsOnce } from "../../browser/shared/canvases.js";
import { make, makeButton, setOptions } from "../../browser/shared/elements.js";
import { taken } from "../../browser/shared/keys.js";
import { announcePicture, ifConnected, listen, unpack } from "../../browser/shared/messages.js";
import { fill } from "../../browser/shared/texts.js";
import { Detail } from "./detail.js";
import { Grid, indexOf } from "./grid.js";
import { Sheet } from "./images.js";
import { Ways } from "./ways.js";

/** Zoom levels: device pixels per image pixel. */
const STEPS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];

const SHEETS = ["generated", "real", "walk", "line", "moved", "past", "neighbor"];

/** One view of the gallery. */
class Gallery {
  constructor(model, el) {
    this.model = model;
    this.words = model.get("words");
    // Data from the kernel: images, other arrays, and the texts of the latest messages.
    this.seen = {
      sheets: Object.fromEntries(SHEETS.map((name) => [name, new Sheet()])),
      arrays: {},
      frame: null,
      past: null,
      near: null,
    };
    this.zoom = 0;
    this.looked = 0;
    this.lookedOnce = false;
    this.troubles = {};
    this.later = drawsOnce(() => {
      this.draw();
      announcePicture(this.root);
    });
    this.build(el);
  }

  build(el) {
    const { words } = this;
    const set = (name, value) => this.set(name, value);
    el.classList.add("gw-gallery");
    this.root = el;
    this.buildBar(make(el, "div", "gw-gallery-bar"));
    this.batch = make(el, "p", "gw-gallery-batch", { hidden: "", role: "status" });
    this.grid = new Grid(el, words);
    const { cells } = this.grid;
    cells.addEventListener("pointerover", (event) => this.look(event.target));
    cells.addEventListener("pointerleave", () => this.leave());
    cells.addEventListener("focusin", (event) => this.look(event.target));
    cells.addEventListener("focusout", () => this.leave());
    cells.addEventListener("click", (event) => this.choose(event.target));
    cells.addEventListener("keydown", (event) => this.key(event));
    this.hint = make(el, "p", "gw-gallery-hint", {}, words.hint);
    this.trouble = make(el, "p", "gw-gallery-trouble", { hidden: "", role: "alert" });
    this.detail = new Detail(el, words, () => this.model.send({ neighbor: this.looked }));
    this.ways = new Ways(el, words, set);
    for (const each of el.querySelectorAll("button, select, input")) each.dataset.lmSuppressShortcuts = "true";
  }

  buildBar(bar) {
    const { words } = this;
    const chip = make(bar, "span", "gw-chip", { title: words.same });
    make(chip, "i", "gw-dot");
    chip.append(words.generated);
    const toggle = make(bar, "label", "gw-gallery-real", { title: words.realHelp });
    this.beside = make(toggle, "input", "", { type: "checkbox" });
    make(toggle, "i", "gw-square");
    toggle.append(words.realChip);
    this.beside.addEventListener("change", () => this.set("beside", this.beside.checked));
    const label = make(bar, "label", "gw-gallery-count", { title: words.countHelp }, words.count);
    this.count = make(label, "select");
    setOptions(this.count, words.counts.map((each) => [each, each]));
    this.count.addEventListener("change", () => this.set("count", Number(this.count.value)));
    const zooms = make(bar, "span", "gw-gallery-zooms");
    for (const [name, text, title, way] of [
      ["zoom-out", "\u2212", words.zoomOut, -1],
      ["zoom-fit", words.fit, words.fitHelp, 0],
      ["zoom-in", "+", words.zoomIn, 1],
    ]) {
      makeButton(zooms, `gw-tool gw-${name}`, text, () => this.step(way), { title, "aria-label": title });
    }
  }

  set(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
    this.later();
  }

  // --- looking and choosing ------------------------------------------------------------------------

  look(target) {
    const index = indexOf(target);
    if (index < 0) return;
    if (index !== this.looked) this.seen.sheets.neighbor.count = 0;
    this.looked = index;
    this.looking = this.lookedOnce = true;
    if (this.model.get("inspected") !== index) this.set("inspected", index);
  }

  leave() {
    // Use the latest event: a pointer that moves to another cell shows that one at once.
    requestAnimationFrame(() => {
      const { cells } = this.grid;
      if (cells.matches(":hover") || cells.contains(document.activeElement)) return;
      this.looking = false;
      const [first] = this.model.get("chosen");
      if (first !== undefined) this.looked = first;
      if (this.model.get("inspected") !== -1) this.set("inspected", -1);
    });
  }

  /** Report to the kernel that this view shows no sample, because it is removed. */
  gone() {
    if (!this.looking) return;
    this.model.set("inspected", -1);
    ifConnected(() => this.model.save_changes());
  }

  choose(target) {
    const index = indexOf(target);
    if (index < 0) return;
    const chosen = this.model.get("chosen");
    if (chosen.includes(index)) this.set("chosen", chosen.filter((each) => each !== index));
    else this.set("chosen", [...chosen.slice(0, 1), index]);
  }

  key(event) {
    const columns = this.seen.frame?.columns ?? 1;
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    const index = indexOf(event.target);
    if (event.key in moves && index >= 0) this.grid.cells.children[index + moves[event.key]]?.focus();
    else if (event.key === "+") this.step(1);
    else if (event.key === "-") this.step(-1);
    else if (event.key === "0") this.step(0);
    else if (event.key === "Escape") this.set("chosen", []);
    else return;
    taken(event);
  }

  step(way) {
    if (way === 0) this.zoom = 0;
    else if (this.seen.frame) {
      const now = this.zoom || this.fitting() / this.seen.sheets.generated.width;
      const steps = way > 0 ? STEPS : STEPS.toReversed();
      this.zoom = steps.find((each) => (way > 0 ? each > now + 1e-6 : each < now - 1e-6)) ?? now;
    }
    this.later();
  }

  // --- messages ------------------------------------------------------------------------------------

  receive(content, buffers) {
    const { seen } = this;
    const [kind] = Object.keys(content);
    const parts = unpack(content[kind].parts, buffers);
    if (kind === "trouble") this.troubles[content.trouble.kind] = content.trouble.message;
    else delete this.troubles[kind];
    for (const [name, array] of Object.entries(parts)) {
      if (name in seen.sheets) seen.sheets[name].take(array);
      else seen.arrays[name] = array;
    }
    if (kind === "frame") {
      seen.frame = content.frame;
      if (!("scores" in parts)) seen.arrays.scores = null;
    } else if (kind === "past") {
      seen.past = content.past;
      if (!("past" in parts)) seen.sheets.past.count = 0;
    } else if (kind === "ways") {
      for (const name of ["walk", "line", "moved"]) if (!(name in parts)) seen.sheets[name].count = 0;
    } else if (kind === "neighbor") seen.near = content.neighbor;
    this.later();
  }

  // --- drawing -------------------------------------------------------------------------------------

  get ratio() {
    return window.devicePixelRatio || 1;
  }

  fitting() {
    return this.grid.fitting(this.seen.frame.columns, this.ratio);
  }

  draw() {
    const { grid, model, ratio, seen } = this;
    const { frame, sheets } = seen;
    const chosen = model.get("chosen");
    this.count.value = model.get("count");
    this.beside.checked = model.get("beside");
    this.showTrouble(chosen);
    if (!frame || !grid.stage.clientWidth || !(sheets.generated.count || frame.batch)) return;
    this.batch.hidden = !frame.batch;
    this.batch.textContent = frame.batch?.text ?? "";
    grid.stage.classList.toggle("gw-zoomed", this.zoom > 0);
    const wide = this.zoom ? this.zoom * sheets.generated.width : this.fitting();
    const size = grid.draw(seen, wide, model.get("beside"), ratio);
    grid.layCells(seen, size, chosen, this.looked, (index) => this.nameOf(index).join(", "), ratio);
    this.drawDetail(chosen);
    this.ways.draw(chosen, model.get("direction"), model.get("amount"), seen, ratio);
  }

  /** Show the errors of the last requests. */
  showTrouble(chosen) {
    const { neighbor, ways, past } = this.troubles;
    const message = [neighbor, ...(chosen.length ? [ways, past] : [])].filter(Boolean).join(" ");
    if (this.trouble.textContent !== message) this.trouble.textContent = message;
    this.trouble.hidden = !message;
  }

  /** Return a sample's number and, if there are labels, its label. */
  nameOf(index) {
    const { labels } = this.seen.frame;
    const number = fill(this.words.sample, { number: index + 1 });
    return labels ? [number, fill(this.words.label, { label: labels[index] })] : [number];
  }

  drawDetail(chosen) {
    const { detail, seen } = this;
    const { generated, neighbor } = seen.sheets;
    const index = Math.min(this.looking ? this.looked : (chosen[0] ?? this.looked), generated.count - 1);
    const shown = this.lookedOnce || chosen.length > 0;
    this.hint.hidden = shown;
    detail.root.hidden = !shown || generated.count === 0;
    if (detail.root.hidden) return;
    if (index !== this.looked) {
      this.looked = index;
      neighbor.count = 0;
    }
    detail.draw(index, this.nameOf(index).join(" \u00b7 "), seen, this.ratio);
  }
}

export default {
  render({ model, el }) {
    const gallery = new Gallery(model, el);
    const change = () => gallery.later();
    const names = ["count", "beside", "chosen", "direction", "amount"];
    const unlisten = listen(model, {
      "msg:custom": (content, buffers) => gallery.receive(content, buffers),
      ...Object.fromEntries(names.map((name) => [`change:${name}`, change])),
    });
    const observer = new ResizeObserver(change);
    observer.observe(gallery.grid.stage);
    model.send({ hello: true });
    return () => {
      gallery.gone();
      observer.disconnect();
      unlisten();
    };
  },
};
