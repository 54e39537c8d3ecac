// Draws a GalleryView: the grid, what a sample is, walks, directions and the past. The protocol stands in
// gallery_view.py.

/** Device pixels for each pixel of an image that zooming goes through. */
const STEPS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];

/** Pixels that the handle of a slider is wide. */
const THUMB = 16;

/** Rows of real images that are shown to compare; they are half as wide as the others. */
const REAL_ROWS = 2;

/** Numbers of the noise that are drawn as bars, and offered as directions, at most. */
const BARS = 64;

/** One view of the gallery. */
class Gallery {
  constructor(model, el) {
    this.model = model;
    this.words = model.get("words");
    this.sheets = Object.fromEntries(
      ["generated", "real", "walk", "line", "moved", "past", "neighbor"].map((name) => [name, new Sheet()]),
    );
    this.zoom = 0;
    this.frame = null;
    this.looked = 0;
    this.lookedOnce = false;
    this.waiting = false;
    this.troubles = {};
    this.build(el);
  }

  // --- the page ------------------------------------------------------------------------------------

  build(el) {
    const { words } = this;
    el.classList.add("gw-gallery");
    this.root = el;
    const bar = make("div", "gw-gallery-bar", el);
    const chip = make("span", "gw-chip", bar);
    make("i", "gw-dot", chip);
    chip.append(words.generated);
    chip.title = words.same;
    const toggle = make("label", "gw-gallery-real", bar, { title: words.realHelp });
    this.beside = make("input", "", toggle, { type: "checkbox" });
    make("i", "gw-square", toggle);
    toggle.append(words.realChip);
    this.beside.addEventListener("change", () => this.set("beside", this.beside.checked));
    const label = make("label", "gw-gallery-count", bar, { title: words.countHelp });
    label.append(words.count);
    this.count = make("select", "", label);
    for (const each of words.counts) make("option", "", this.count, { value: each, textContent: each });
    this.count.addEventListener("change", () => this.set("count", Number(this.count.value)));
    const zooms = make("span", "gw-gallery-zooms", bar);
    const button = (name, text, title, act) => {
      const found = make("button", `gw-tool gw-${name}`, zooms, { type: "button", textContent: text, title });
      found.setAttribute("aria-label", title);
      found.addEventListener("click", act);
      return found;
    };
    button("zoom-out", "\u2212", words.zoomOut, () => this.step(-1));
    button("zoom-fit", words.fit, words.fitHelp, () => this.step(0));
    button("zoom-in", "+", words.zoomIn, () => this.step(1));
    this.batch = make("p", "gw-gallery-batch", el, { hidden: true });
    this.batch.setAttribute("role", "status");
    this.stage = make("div", "gw-gallery-stage", el);
    this.heads = make("div", "gw-gallery-heads", this.stage);
    this.heads.setAttribute("aria-hidden", "true");
    const grid = make("div", "gw-gallery-grid", this.stage);
    this.canvas = make("canvas", "gw-pixels gw-pixels-generated", grid);
    this.canvas.setAttribute("aria-hidden", "true");
    this.cells = make("div", "gw-gallery-cells", grid);
    this.cells.setAttribute("role", "group");
    this.cells.setAttribute("aria-label", words.grid);
    this.cells.addEventListener("pointerover", (event) => this.look(event.target));
    this.cells.addEventListener("pointerleave", () => this.leave());
    this.cells.addEventListener("focusin", (event) => this.look(event.target));
    this.cells.addEventListener("focusout", () => this.leave());
    this.cells.addEventListener("click", (event) => this.choose(event.target));
    this.cells.addEventListener("keydown", (event) => this.key(event));
    this.below = make("div", "gw-gallery-below", this.stage);
    this.real = make("canvas", "gw-pixels gw-pixels-real", this.below);
    this.real.setAttribute("role", "img");
    this.real.setAttribute("aria-label", words.realGrid);

    this.hint = make("p", "gw-gallery-hint", el, { textContent: words.hint });
    this.trouble = make("p", "gw-gallery-trouble", el, { hidden: true });
    this.trouble.setAttribute("role", "alert");
    this.buildDetail(el);
    this.buildWays(el);
  }

  buildDetail(el) {
    const { words } = this;
    this.detail = make("div", "gw-gallery-detail", el);
    this.large = make("canvas", "gw-large", this.detail);
    this.large.setAttribute("role", "img");
    const told = make("div", "gw-gallery-told", this.detail);
    this.told = make("p", "gw-gallery-said", told);
    this.bars = make("canvas", "gw-bars", told, { title: words.latent });
    this.bars.setAttribute("role", "img");
    this.bars.setAttribute("aria-label", words.latent);
    const near = make("div", "gw-gallery-near", this.detail);
    this.find = make("button", "gw-tool gw-neighbor", near, {
      type: "button",
      textContent: words.find,
      title: words.findHelp,
    });
    this.find.addEventListener("click", () => this.model.send({ neighbor: this.looked }));
    this.nearby = make("canvas", "gw-near", near);
    this.nearby.setAttribute("role", "img");
    this.nearby.setAttribute("aria-label", words.neighbor);
    this.nearSaid = make("small", "", near);
  }

  buildWays(el) {
    const { words } = this;
    this.ways = make("div", "gw-gallery-ways", el);
    const part = (cssClass, title) => {
      const found = make("section", cssClass, this.ways);
      const head = make("div", "gw-way-head", found);
      make("b", "", head, { textContent: title });
      return [found, head];
    };
    const [walk, walkHead] = part("gw-walk", words.walk);
    this.walkHint = make("span", "gw-gallery-hint", walkHead, { textContent: words.walkHint });
    const clear = make("button", "gw-tool gw-choose-none", walkHead, { type: "button", textContent: words.clear });
    clear.addEventListener("click", () => this.set("chosen", []));
    this.walk = new Strip(walk, words.walk);
    this.walkAs = make("div", "gw-gallery-hint", walk);

    const [line, lineHead] = part("gw-line", words.direction);
    this.direction = make("select", "gw-direction", lineHead, { title: words.directionHelp });
    this.direction.setAttribute("aria-label", words.direction);
    this.direction.addEventListener("change", () => this.set("direction", this.direction.value));
    this.lineBody = make("div", "gw-line-body", line);
    this.moved = make("canvas", "gw-moved", this.lineBody);
    this.moved.setAttribute("role", "img");
    const right = make("div", "gw-line-right", this.lineBody);
    this.line = new Strip(right, words.direction);
    this.amount = make("input", "gw-amount", right, { type: "range", min: -3, max: 3, step: 0.05, title: words.amount });
    this.amount.setAttribute("aria-label", words.amount);
    this.amount.addEventListener("input", () => this.set("amount", Number(this.amount.value)));

    const [past, pastHead] = part("gw-through", words.past);
    this.pastHint = make("span", "gw-gallery-hint", pastHead, { textContent: words.pastHint });
    this.past = new Strip(past, words.past);
    for (const each of el.querySelectorAll("button, select, input")) each.dataset.lmSuppressShortcuts = "true";
    this.cells.dataset.lmSuppressShortcuts = "true";
  }

  set(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
    this.render();
  }

  // --- looking and choosing ------------------------------------------------------------------------

  indexOf(target) {
    const cell = target.closest?.("button[data-index]");
    return cell ? Number(cell.dataset.index) : -1;
  }

  look(target) {
    const index = this.indexOf(target);
    if (index < 0) return;
    if (index !== this.looked) this.sheets.neighbor.count = 0;
    this.looked = index;
    this.looking = this.lookedOnce = true;
    if (this.model.get("inspected") !== index) this.set("inspected", index);
  }

  leave() {
    // The newest says it: a pointer that goes on to another cell looks there at once.
    requestAnimationFrame(() => {
      if (this.cells.matches(":hover") || this.cells.contains(document.activeElement)) return;
      this.looking = false;
      const [first] = this.model.get("chosen");
      if (first !== undefined) this.looked = first;
      if (this.model.get("inspected") !== -1) this.set("inspected", -1);
    });
  }

  /** The view is removed: nobody looks any more. */
  gone() {
    if (!this.looking) return;
    this.model.set("inspected", -1);
    try {
      this.model.save_changes();
    } catch (error) {
      if (!/cannot send/i.test(String(error))) throw error; // the kernel is gone
    }
  }

  choose(target) {
    const index = this.indexOf(target);
    if (index < 0) return;
    const chosen = this.model.get("chosen");
    if (chosen.includes(index)) this.set("chosen", chosen.filter((each) => each !== index));
    else this.set("chosen", [...chosen.slice(0, 1), index]);
  }

  key(event) {
    const columns = this.frame?.columns ?? 1;
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    const index = this.indexOf(event.target);
    if (event.key in moves && index >= 0) {
      const next = this.cells.children[index + moves[event.key]];
      next?.focus();
    } else if (event.key === "+") this.step(1);
    else if (event.key === "-") this.step(-1);
    else if (event.key === "0") this.step(0);
    else if (event.key === "Escape") this.set("chosen", []);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  step(way) {
    if (way === 0) this.zoom = 0;
    else {
      const now = this.scale();
      const steps = way > 0 ? STEPS : STEPS.toReversed();
      this.zoom = steps.find((each) => (way > 0 ? each > now + 1e-6 : each < now - 1e-6)) ?? now;
    }
    this.render();
  }

  // --- messages ------------------------------------------------------------------------------------

  receive(content, buffers) {
    const [kind] = Object.keys(content);
    const parts = unpack(content[kind].parts, buffers);
    if (kind === "trouble") this.troubles[content.trouble.kind] = content.trouble.said;
    else delete this.troubles[kind];
    for (const [name, array] of Object.entries(parts)) {
      if (name in this.sheets) this.sheets[name].take(array);
      else this[`${name}Seen`] = array;
    }
    if (kind === "frame") {
      this.frame = content.frame;
      if (!("scores" in parts)) this.scoresSeen = null;
    } else if (kind === "past") {
      this.pastSeen = content.past;
      if (!("past" in parts)) this.sheets.past.count = 0;
    } else if (kind === "ways") {
      for (const name of ["walk", "line", "moved"]) if (!(name in parts)) this.sheets[name].count = 0;
    } else if (kind === "neighbor") this.nearSeen = content.neighbor;
    this.render();
  }

  // --- drawing -------------------------------------------------------------------------------------

  /** Draw once before the browser does, however many reasons there are. */
  render() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
      announcePicture(this.root);
    });
  }

  get ratio() {
    return window.devicePixelRatio || 1;
  }

  /** Device pixels of one image's width where all fit in the page. */
  fitting() {
    const { columns } = this.frame;
    return Math.max(4, Math.floor(((this.stage.clientWidth - GAP * (columns - 1)) / columns) * this.ratio));
  }

  /** Device pixels for each pixel of an image. */
  scale() {
    return this.zoom || this.fitting() / this.sheets.generated.width;
  }

  draw() {
    const { frame, sheets, model } = this;
    const chosen = model.get("chosen");
    this.count.value = model.get("count");
    this.beside.checked = model.get("beside");
    this.amount.value = model.get("amount");
    this.tell(chosen);
    if (!frame || !this.stage.clientWidth || !(sheets.generated.count || frame.batch)) return;
    this.batch.hidden = !frame.batch;
    this.batch.textContent = frame.batch?.said ?? "";
    const wide = this.zoom ? this.zoom * sheets.generated.width : this.fitting();
    const tall = Math.max(1, Math.round((wide * sheets.generated.height) / sheets.generated.width));
    const { columns } = frame;
    this.stage.classList.toggle("gw-zoomed", this.zoom > 0);
    this.drawGrid(this.canvas, sheets.generated, frame.batch?.count ?? sheets.generated.count, columns, wide, tall);
    const shown = frame.batch ? frame.batch.real > 0 : model.get("beside");
    this.below.hidden = !shown;
    if (shown) {
      const gap = Math.round(GAP * this.ratio);
      const [half, low] = [wide, tall].map((side) => Math.max(1, Math.floor((side - gap) / 2)));
      const count = Math.min(sheets.real.count, 2 * REAL_ROWS * columns);
      // Real images stay the same from frame to frame.
      const drawn = [sheets.real.taken, count, columns, half, low, this.ratio].join();
      if (drawn !== this.realDrawn) this.drawGrid(this.real, sheets.real, count, 2 * columns, half, low);
      this.realDrawn = drawn;
    }
    this.layCells(wide / this.ratio, tall / this.ratio, chosen);
    this.drawDetail(chosen);
    this.drawWays(chosen);
  }

  /** Say what could not be done of what was asked for. */
  tell(chosen) {
    const { neighbor, ways, past } = this.troubles;
    const said = [neighbor, ...(chosen.length ? [ways, past] : [])].filter(Boolean).join(" ");
    if (this.trouble.textContent !== said) this.trouble.textContent = said;
    this.trouble.hidden = !said;
  }

  drawGrid(canvas, sheet, count, columns, wide, tall) {
    const { ratio } = this;
    const rows = Math.ceil(count / columns);
    const gap = Math.round(GAP * ratio);
    const pen = sized(canvas, (columns * (wide + gap) - gap) / ratio, (rows * (tall + gap) - gap) / ratio, ratio);
    for (let index = 0; index < count; index += 1) {
      const x = (index % columns) * (wide + gap);
      const y = Math.floor(index / columns) * (tall + gap);
      if (index >= sheet.count) {
        pen.fillStyle = "rgb(128 128 128 / 15%)"; // room for what is still to come
        pen.fillRect(x, y, wide, tall);
      }
      sheet.draw(pen, index, x, y, wide, tall);
    }
  }

  layCells(wide, tall, chosen) {
    const { cells, frame, words } = this;
    const count = this.sheets.generated.count;
    const gap = Math.round(GAP * this.ratio) / this.ratio;
    cells.style.gridTemplateColumns = `repeat(${frame.columns}, ${wide}px)`;
    cells.style.gridAutoRows = `${tall}px`;
    cells.style.gap = `${gap}px`;
    while (cells.children.length > count) cells.lastChild.remove();
    while (cells.children.length < count) make("button", "gw-sample", cells, { type: "button" }).dataset.index = cells.children.length - 1;
    const focus = Math.min(this.looked, count - 1);
    [...cells.children].forEach((cell, index) => {
      const mark = "AB"[chosen.indexOf(index)] ?? "";
      if (cell.dataset.mark !== mark) {
        cell.dataset.mark = mark;
        cell.setAttribute("aria-pressed", String(mark !== ""));
      }
      const name = [fill(words.sample, { number: index + 1 }), this.labelOf(index), mark].filter(Boolean).join(", ");
      if (cell.getAttribute("aria-label") !== name) cell.setAttribute("aria-label", name);
      cell.tabIndex = index === focus ? 0 : -1;
    });
    const heads = frame.labels ? frame.labels.slice(0, frame.columns).map(String) : [];
    this.heads.hidden = !heads.length;
    this.heads.style.gridTemplateColumns = cells.style.gridTemplateColumns;
    this.heads.style.columnGap = `${gap}px`;
    if (this.headed !== heads.join()) {
      this.headed = heads.join();
      this.heads.replaceChildren(...heads.map((head) => make("span", "", null, { textContent: head })));
    }
  }

  labelOf(index) {
    const { frame, words } = this;
    return frame.labels ? fill(words.label, { label: frame.labels[index] }) : "";
  }

  drawDetail(chosen) {
    const { words, sheets } = this;
    const index = Math.min(this.looking ? this.looked : (chosen[0] ?? this.looked), sheets.generated.count - 1);
    const told = this.lookedOnce || chosen.length > 0;
    this.hint.hidden = told;
    this.detail.hidden = !told || sheets.generated.count === 0;
    if (this.detail.hidden) return;
    if (index !== this.looked) {
      this.looked = index;
      sheets.neighbor.count = 0;
    }
    this.one(this.large, sheets.generated, index);
    const score = this.scoresSeen?.[index];
    const said = [
      fill(words.sample, { number: index + 1 }),
      this.labelOf(index),
      score === undefined ? "" : fill(words.score, { share: percent(score) }),
    ];
    const text = said.filter(Boolean).join(" \u00b7 ");
    if (this.told.textContent !== text) this.told.textContent = text;
    this.large.setAttribute("aria-label", text);
    this.drawBars(index);
    const near = sheets.neighbor.count > 0 && this.nearSeen.sample === index && !this.frame.batch;
    this.find.hidden = near || Boolean(this.frame.batch);
    this.nearby.hidden = this.nearSaid.hidden = !near;
    if (!near) return;
    this.one(this.nearby, sheets.neighbor, 0);
    const spell = (value) => minus(value.toPrecision(3));
    this.nearSaid.textContent = words.neighbor;
    this.nearby.title = this.nearSaid.title = fill(words.near, {
      distance: spell(this.nearSeen.distance),
      typical: spell(this.nearSeen.typical),
    });
  }

  /** Draw one image, large. */
  one(canvas, sheet, index) {
    const side = 76;
    const scale = side / Math.max(sheet.width, sheet.height);
    const pen = sized(canvas, sheet.width * scale, sheet.height * scale, this.ratio);
    sheet.draw(pen, index, 0, 0, canvas.width, canvas.height);
  }

  drawBars(index) {
    const latents = this.latentsSeen;
    if (!latents) return;
    const [, dimensions] = latents.shape;
    const shown = Math.min(dimensions, BARS);
    const width = Math.min(Math.max(60, this.bars.parentElement.clientWidth), 14 * shown);
    const height = 44;
    const pen = sized(this.bars, width, height, this.ratio);
    const style = getComputedStyle(this.root);
    pen.scale(this.ratio, this.ratio);
    pen.fillStyle = style.getPropertyValue("--gw-g");
    const step = width / shown;
    for (let place = 0; place < shown; place += 1) {
      const value = Math.max(-3, Math.min(3, latents[index * dimensions + place]));
      const length = (Math.abs(value) / 3) * (height / 2 - 1);
      pen.fillRect(place * step, value > 0 ? height / 2 - length : height / 2, Math.max(1, step - 1), length);
    }
    pen.fillStyle = style.getPropertyValue("--gw-text");
    pen.fillRect(0, height / 2 - 0.5, width, 1);
  }

  offerDirections() {
    const { words } = this;
    const dimensions = this.latentsSeen?.shape[1] ?? 0;
    if (this.offered === dimensions) return;
    this.offered = dimensions;
    const options = [
      ["", words.none],
      ...words.strongest.slice(0, dimensions).map((text, place) => [`strongest ${place}`, text]),
      ...Array.from({ length: Math.min(dimensions, BARS) }, (_, place) => [
        `coordinate ${place}`,
        fill(words.coordinate, { number: place + 1 }),
      ]),
    ];
    this.direction.replaceChildren(
      ...options.map(([value, textContent]) => make("option", "", null, { value, textContent })),
    );
  }

  drawWays(chosen) {
    const { sheets, ratio, words } = this;
    this.ways.hidden = chosen.length === 0 || Boolean(this.frame.batch);
    if (this.ways.hidden) return;
    this.offerDirections();
    const direction = this.model.get("direction");
    this.direction.value = direction;
    const room = Math.min(this.ways.clientWidth, 520);
    const all = (sheet) => Array.from({ length: sheet.count }, (_, index) => [sheet, index]);
    const walked = chosen.length > 1 && sheets.walk.count > 0;
    this.walkHint.hidden = chosen.length > 1;
    const labels = chosen.map((index) => this.frame.labels?.[index]);
    const asA = walked && labels[0] !== labels[1];
    this.walkAs.textContent = asA ? fill(words.walkAs, { label: labels[0] }) : "";
    this.show(this.walk, walked);
    if (walked) this.walk.draw(all(sheets.walk), ["A", ...Array(sheets.walk.count - 2).fill(""), "B"], room, ratio, 0);
    const lined = direction !== "" && sheets.line.count > 0;
    this.lineBody.hidden = !lined;
    if (lined) {
      const marks = [-3, -2, -1, 0, 1, 2, 3].map((each) => minus(String(each)));
      this.line.draw(all(sheets.line), marks, room - 76 - 12, ratio, 0);
      // The handle stands below the image that it is at.
      const across = parseFloat(this.line.canvas.style.width);
      const side = (across + GAP) / marks.length - GAP;
      this.amount.style.width = `${across - side + THUMB}px`;
      this.amount.style.marginLeft = `${(side - THUMB) / 2}px`;
      this.one(this.moved, sheets.moved, 0);
      this.moved.setAttribute("aria-label", `${words.direction}: ${minus(this.model.get("amount").toFixed(2))}`);
    }
    const known = this.pastSeen?.sample === chosen[0] && sheets.past.count > 0;
    this.pastHint.hidden = known;
    this.show(this.past, known);
    if (known) {
      const images = [...all(sheets.past), [sheets.generated, chosen[0]]];
      this.past.draw(images, [...this.pastSeen.iterations.map(spaced), words.now], room, ratio, 6);
    }
  }

  show(strip, visible) {
    strip.canvas.hidden = strip.words.hidden = !visible;
  }
}

export default {
  render({ model, el }) {
    const gallery = new Gallery(model, el);
    const onMessage = (content, buffers) => gallery.receive(content, buffers);
    const onChange = () => gallery.render();
    const names = ["count", "beside", "chosen", "direction", "amount"].map((name) => `change:${name}`);
    model.on("msg:custom", onMessage);
    for (const name of names) model.on(name, onChange);
    const observer = new ResizeObserver(onChange);
    observer.observe(gallery.stage);
    model.send({ hello: true });
    return () => {
      gallery.gone();
      observer.disconnect();
      model.off("msg:custom", onMessage);
      for (const name of names) model.off(name, onChange);
    };
  },
};
