// Draws a PlaneView: the layers of the plane, zoom, pan, and what a point under the pointer is. The
// protocol stands in plane_view.py.

/** Pixels around the axes; a layout may choose another left margin and another size of the numbers. */
const ROOM = { left: 36, right: 8, top: 4 };
const TICK = 11;
/** Milliseconds without movement after which a view is at rest. */
const REST = 150;
const REACH = { mouse: 12, pen: 16, touch: 24 };

/** Return round numbers from `low` to `high`, about `count` of them. */
function ticks(low, high, count = 5) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find((each) => each * power >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (String(step).includes("25") ? 1 : 0));
  const found = [];
  for (let index = first; index <= last; index += 1) {
    found.push([index * step, minus(Number((index * step).toFixed(digits)).toString())]);
  }
  return found;
}

/** Of an axis whose places are the numbers themselves: center, scale, whether the data has named it. */
const PLAIN = [0, 1, false];
/** Distance of two ticks, divided by their size, below which labels count from the first tick. */
const DISTINCT = 1e-4;

/** Letters of a label that have room beside the plane. */
const LETTERS = 5;

const short = (value) => minus(Number(value.toPrecision(6)).toString());

/**
 * Return `{ marks: [[place, label], ...], title }` of an axis whose unit is [center, scale, named].
 *
 * The labels mean (value - base) / 10 ** power; the title says so where base or power is not 0.
 */
function unitTicks([center, scale, named], name, low, high) {
  const title = named ? name : "";
  if (scale === 0) return { marks: [[0, short(center)]], title };
  if (center === 0 && scale === 1) return { marks: ticks(low, high), title };
  const values = ticks(center + scale * low, center + scale * high).map(([value]) => value);
  const largest = Math.max(...values.map(Math.abs));
  const close = values.length > 1 && values[1] - values[0] <= DISTINCT * largest;
  const base = close ? values[0] : 0;
  const offsets = values.map((value) => value - base);
  const long = offsets.some((offset) => short(offset).length > LETTERS);
  const power = long ? 3 * Math.floor(Math.log10(Math.max(...offsets.map(Math.abs))) / 3) : 0;
  const from = close ? ` \u2212 ${Number(base.toPrecision(12))}` : "";
  const unit = power ? ` (1e${power})` : "";
  return {
    marks: offsets.map((offset, at) => [(values[at] - center) / scale, short(offset / 10 ** power)]),
    title: from || unit ? `${name}${from}${unit}` : title,
  };
}

export default {
  render({ model, el }) {
    const words = model.get("words");
    el.classList.add("gw-plane-view");
    const stage = make(el, "div", "gw-plane-stage");
    const canvas = make(stage, "canvas", "gw-points", {
      tabindex: "0",
      role: "application",
      "aria-label": words.name,
      "data-lm-suppress-shortcuts": "true",
    });
    const pen = canvas.getContext("2d");
    const tip = make(stage, "div", "gw-readout", { hidden: "", "aria-hidden": "true" });
    const spoken = make(stage, "div", "gw-spoken", { role: "status" });
    const outside = make(stage, "div", "gw-outside", { hidden: "" });
    const tools = make(stage, "div", "gw-zoom");
    const legend = make(el, "div", "gw-layers", { role: "group", "aria-label": words.layers });
    const note = make(el, "div", "gw-plane-note");

    const look = new Window();
    let frame = null;
    let parts = {};
    let selected = null; // [layer, index]
    let pinned = false;
    let wished = null; // which way an arrow key went while there was no point yet
    let pointer = null; // where the mouse is, until a point is chosen otherwise
    let waiting = 0;
    let box = { left: ROOM.left, top: ROOM.top, side: 1 };
    let resting = 0;
    let toldWindow = "null";

    // --- drawing ------------------------------------------------------------------------------

    const draw = () => {
      waiting = 0;
      announcePicture(el);
      const styles = getComputedStyle(el);
      const colors = Object.fromEntries(
        ["real", "generated", "d", "g", "text", "ground"].map((name) => [
          name,
          styles.getPropertyValue(`--gw-${name}`).trim() || "#212121",
        ]),
      );
      const ratio = Math.min(2, window.devicePixelRatio || 1);
      const [width, height] = [canvas.clientWidth, canvas.clientHeight];
      if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
      if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
      const left = Number.parseFloat(styles.getPropertyValue("--gw-room-left")) || ROOM.left;
      const side = width - left - ROOM.right;
      box = { left, top: ROOM.top, side };
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, width, height);
      putMapInPlace();
      if (!frame || side <= 0) return;
      const [x0, x1, y0, y1] = look.box;
      const at = (x, y) => [
        box.left + ((x - x0) / (x1 - x0)) * side,
        box.top + ((y1 - y) / (y1 - y0)) * side,
      ];
      drawAxes(styles, colors, at);
      pen.save();
      pen.beginPath();
      pen.rect(box.left, box.top, side, side);
      pen.clip();
      const shown = model.get("layers");
      const size = clamp(look.zoom ** 0.35, 0.7, 2.4);
      const scene = { pen, parts, at, colors, frame, size, side, kind: frame.arrows };
      for (const { name } of words.layer) {
        if (!shown[name]) continue;
        pen.save();
        PAINTERS[name](scene);
        pen.restore();
      }
      pen.restore();
      follow(at, colors, shown);
      tellOutside(shown);
    };
    const later = () => {
      waiting ||= requestAnimationFrame(draw);
    };

    const drawAxes = (styles, colors, at) => {
      const [x0, x1, y0, y1] = look.box;
      const { left, top, side } = box;
      pen.font = `${styles.getPropertyValue("--gw-tick").trim() || `${TICK}px`} ${styles.fontFamily}`;
      pen.fillStyle = pen.strokeStyle = colors.text;
      pen.lineWidth = 1;
      pen.textAlign = "center";
      pen.textBaseline = "top";
      const [across, up] = frame.units ?? [PLAIN, PLAIN];
      const horizontal = unitTicks(across, frame.axes[0], x0, x1);
      const vertical = unitTicks(up, frame.axes[1], y0, y1);
      for (const [value, label] of horizontal.marks) {
        const x = Math.round(at(value, 0)[0]) + 0.5;
        pen.globalAlpha = 0.14;
        pen.beginPath();
        pen.moveTo(x, top);
        pen.lineTo(x, top + side + 4);
        pen.stroke();
        pen.globalAlpha = 1;
        pen.fillText(label, x, top + side + 7);
      }
      pen.textAlign = "right";
      pen.textBaseline = "middle";
      for (const [value, label] of frame.axes[1] ? vertical.marks : []) {
        const y = Math.round(at(0, value)[1]) + 0.5;
        pen.globalAlpha = 0.14;
        pen.beginPath();
        pen.moveTo(left - 4, y);
        pen.lineTo(left + side, y);
        pen.stroke();
        pen.globalAlpha = 1;
        pen.fillText(label, left - 8, y);
      }
      pen.globalAlpha = 0.75;
      pen.textBaseline = "bottom";
      pen.fillText(horizontal.title, left + side - 6, top + side - 5);
      pen.textAlign = "left";
      pen.textBaseline = "top";
      if (frame.axes[1]) pen.fillText(vertical.title, left + 6, top + 6);
      pen.globalAlpha = 0.3;
      pen.strokeRect(left + 0.5, top + 0.5, side - 1, side - 1);
      pen.globalAlpha = 1;
    };

    /** Move the map of the verdict, which another widget draws below this one. */
    const putMapInPlace = () => {
      const map = el.parentElement?.querySelector(".gw-heat");
      if (!map) return;
      const [x0, x1, y0, y1] = look.box;
      const [h0, h1, v0, v1] = frame?.covered ?? look.home;
      map.style.visibility = model.get("layers").verdict ? "visible" : "hidden";
      map.style.left = `${(100 * (h0 - x0)) / (x1 - x0)}%`;
      map.style.top = `${(100 * (y1 - v1)) / (y1 - y0)}%`;
      map.style.width = `${(100 * (h1 - h0)) / (x1 - x0)}%`;
      map.style.height = `${(100 * (v1 - v0)) / (y1 - y0)}%`;
    };

    const tellOutside = (shown) => {
      const [x0, x1, y0, y1] = look.box;
      const points = (shown.generated && parts.generated) || [];
      let count = 0;
      for (let index = 0; index < points.length; index += 2) {
        const [x, y] = [points[index], points[index + 1]];
        if (!(x >= x0 && x <= x1 && y >= y0 && y <= y1)) count += 1;
      }
      outside.hidden = count === 0;
      outside.textContent = fill(words.outside, { count });
    };

    // --- a point's own words --------------------------------------------------------------------

    /** Return a number to a hundredth of its column's scale. */
    const measured = (value, scale) => {
      const digits = scale > 0 ? Math.ceil(Math.log10(Math.max(Math.abs(value), scale) / scale)) + 2 : 6;
      return Number(value.toPrecision(Math.min(15, Math.max(1, digits)))).toString();
    };
    const number = (value) => minus(Math.abs(value) >= 1000 ? value.toPrecision(4) : value.toFixed(3));

    const sentence = ([layer, index]) => {
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
    };

    /** Return a picture of the chosen sample, where samples are images; else nothing. */
    const thumbnail = ([layer, index]) => {
      const images = parts[`image_${layer}`];
      if (!images) return [];
      const [, height, width, channels] = images.shape;
      const picture = Object.assign(document.createElement("canvas"), { width, height, className: "gw-thumbnail" });
      const pixels = new ImageData(width, height);
      const start = index * width * height * channels;
      for (let pixel = 0; pixel < width * height; pixel += 1) {
        for (let channel = 0; channel < 3; channel += 1) {
          pixels.data[4 * pixel + channel] = images[start + pixel * channels + Math.min(channel, channels - 1)];
        }
        pixels.data[4 * pixel + 3] = 255;
      }
      picture.getContext("2d").putImageData(pixels, 0, 0);
      return [picture];
    };

    /** Mark the chosen point where it is now, and say what it is. */
    const follow = (at, colors, shown) => {
      if (pointer && !pinned) selected = nearest(pointer.x, pointer.y, pointer.reach);
      const points = selected && shown[selected[0]] ? parts[selected[0]] : null;
      const index = selected?.[1];
      const known = points && 2 * index + 1 < points.length;
      const [x, y] = known ? at(points[2 * index], points[2 * index + 1]) : [Number.NaN, Number.NaN];
      const { left, top, side } = box;
      const inside = x >= left && x <= left + side && y >= top && y <= top + side;
      tip.hidden = !inside;
      if (!inside) return;
      pen.lineWidth = 2;
      pen.strokeStyle = colors.text;
      pen.beginPath();
      pen.arc(x, y, 7, 0, 2 * Math.PI);
      pen.stroke();
      const lines = sentence(selected).map((line) => Object.assign(document.createElement("div"), { textContent: line }));
      tip.replaceChildren(...lines, ...thumbnail(selected));
      const right = x > left + side / 2;
      const low = y > top + side / 2;
      tip.style.left = right ? "" : `${x + 12}px`;
      tip.style.right = right ? `${canvas.clientWidth - x + 12}px` : "";
      tip.style.top = low ? "" : `${y + 10}px`;
      tip.style.bottom = low ? `${canvas.clientHeight - y + 10}px` : "";
    };

    const place = (x, y) => {
      const [x0, x1, y0, y1] = look.box;
      return [box.left + ((x - x0) / (x1 - x0)) * box.side, box.top + ((y1 - y) / (y1 - y0)) * box.side];
    };

    /** Return the point next to a place, by the least `cost(dx, dy)`; null where there is none. */
    const best = (px, py, cost) => {
      const shown = model.get("layers");
      let found = null;
      let least = Number.POSITIVE_INFINITY;
      for (const layer of ["generated", "real"]) {
        const points = shown[layer] ? (parts[layer] ?? []) : [];
        for (let index = 0; index < points.length; index += 2) {
          const [x, y] = place(points[index], points[index + 1]);
          const price = cost(x - px, y - py);
          if (price < least) [least, found] = [price, [layer, index / 2]];
        }
      }
      return found;
    };
    const nearest = (x, y, reach) =>
      best(x, y, (dx, dy) => {
        const distance = Math.hypot(dx, dy);
        return distance <= reach ? distance : Number.POSITIVE_INFINITY;
      });

    /** Choose the next point in a direction, the first time the one nearest to the middle. */
    const walk = (across, down) => {
      const { left, top, side } = box;
      const points = selected && parts[selected[0]];
      if (!points) {
        selected = best(left + side / 2, top + side / 2, (dx, dy) => Math.hypot(dx, dy));
      } else {
        const [x, y] = place(points[2 * selected[1]], points[2 * selected[1] + 1]);
        const next = best(x, y, (dx, dy) => {
          const along = dx * across + dy * down;
          const aside = Math.abs(dx * down) + Math.abs(dy * across);
          const [px, py] = [x + dx, y + dy];
          const seen = px >= left && px <= left + side && py >= top && py <= top + side;
          return seen && along > 0.5 && aside <= 2 * along ? along + 2 * aside : Number.POSITIVE_INFINITY;
        });
        selected = next ?? selected;
      }
      wished = selected ? null : [across, down];
      pinned = true;
      pointer = null;
      if (selected) spoken.textContent = sentence(selected).join(", ");
      later();
    };

    // --- pointers and keys ----------------------------------------------------------------------

    const zoomed = (factor, across = 0.5, up = 0.5) => {
      const changed = look.magnify(factor, across, up);
      if (changed) moved();
      return changed;
    };
    const moved = () => {
      canvas.style.touchAction = look.moved ? "none" : "pan-y";
      canvas.dataset.window = look.box.map((side) => side.toPrecision(6)).join();
      if (frame?.judged) {
        clearTimeout(resting);
        resting = setTimeout(tellWindow, REST);
      }
      later();
    };
    /** Let the map of the verdict cover what is seen here, as finely as it covers the whole plane. */
    const tellWindow = () => {
      const part = look.moved ? look.box : null;
      if (JSON.stringify(part) === toldWindow) return;
      toldWindow = JSON.stringify(part);
      model.send({ window: part });
    };
    const home = () => {
      look.reset();
      moved();
    };
    const inPlane = (event) => {
      const rect = canvas.getBoundingClientRect();
      return [event.clientX - rect.left, event.clientY - rect.top];
    };
    const shares = ([x, y]) => [(x - box.left) / box.side, 1 - (y - box.top) / box.side];

    const held = new Map(); // pointers that are down: where they were last
    let travelled = 0;
    let armed = false; // whether the wheel is the plane's, not the page's

    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      if (held.size === 0) travelled = 0;
      held.set(event.pointerId, inPlane(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      const now = inPlane(event);
      const before = held.get(event.pointerId);
      if (event.movementX || event.movementY) armed = true;
      if (!before) {
        if (!event.movementX && !event.movementY) return; // the page moved, not the pointer
        pinned = false;
        pointer = { x: now[0], y: now[1], reach: REACH[event.pointerType] ?? 12 };
        later();
        return;
      }
      travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
      if (held.size === 2) {
        const [one, other] = [...held.values()];
        const apart = Math.hypot(one[0] - other[0], one[1] - other[1]);
        held.set(event.pointerId, now);
        const [a, b] = [...held.values()];
        const middle = shares([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]);
        zoomed(Math.hypot(a[0] - b[0], a[1] - b[1]) / Math.max(apart, 1), ...middle);
      } else if (held.size === 1 && travelled > 3) {
        pointer = null;
        look.pan((before[0] - now[0]) / box.side, (now[1] - before[1]) / box.side);
        canvas.classList.add("gw-panning");
        moved();
        held.set(event.pointerId, now);
      }
    });
    const release = (event) => {
      const begun = held.get(event.pointerId);
      held.delete(event.pointerId);
      canvas.classList.remove("gw-panning");
      if (begun && travelled <= 3 && event.type === "pointerup") {
        canvas.focus({ preventScroll: true });
        selected = nearest(...inPlane(event), REACH[event.pointerType] ?? 12);
        pinned = selected !== null;
        later();
      }
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("pointerleave", () => {
      armed = false;
      pointer = null;
      if (!pinned) selected = null;
      later();
    });
    canvas.addEventListener("dblclick", home);
    canvas.addEventListener(
      "wheel",
      (event) => {
        // Whoever scrolls the page and only passes by goes on scrolling it.
        if (!armed && !event.ctrlKey && document.activeElement !== canvas) return;
        const lines = event.deltaMode === 1 ? 16 : 1;
        const factor = Math.exp(-clamp(event.deltaY * lines, -240, 240) * (event.ctrlKey ? 0.01 : 0.002));
        if (zoomed(factor, ...shares(inPlane(event)))) event.preventDefault();
      },
      { passive: false },
    );
    canvas.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (event.altKey || event.metaKey || event.ctrlKey) return;
      if (way && event.shiftKey) {
        look.pan(0.1 * way[0], -0.1 * way[1]);
        moved();
      } else if (way) walk(...way);
      else if (event.key === "+" || event.key === "=") zoomed(1.5);
      else if (event.key === "-") zoomed(1 / 1.5);
      else if (event.key === "0" || event.key === "Home") home();
      else if (event.key === "Escape") {
        selected = wished = null;
        pinned = false;
        later();
      } else return;
      event.preventDefault();
      event.stopPropagation();
    });

    for (const [name, sign, action] of [
      ["zoom-in", "+", () => zoomed(1.5)],
      ["zoom-out", "\u2212", () => zoomed(1 / 1.5)],
      ["zoom-home", "\u2302", home],
    ]) {
      const button = make(tools, "button", `gw-${name}`, { type: "button", title: words[name], "aria-label": words[name] });
      button.textContent = sign;
      button.addEventListener("click", action);
    }

    // --- layers -----------------------------------------------------------------------------------

    const boxes = {};
    for (const name of words.legend) {
      const { label, help } = words.layer.find((layer) => layer.name === name);
      const toggle = make(legend, "label", `gw-layer gw-layer-${name}`, { title: help });
      const input = make(toggle, "input", "", { type: "checkbox" });
      make(toggle, "i", `gw-swatch gw-swatch-${name}`);
      const text = make(toggle, "span", "");
      text.textContent = label;
      boxes[name] = input;
      input.addEventListener("change", () => {
        model.set("layers", { ...model.get("layers"), [name]: input.checked });
        model.save_changes();
      });
    }
    const choice = make(legend, "select", "gw-arrows", { "aria-label": words.arrows, title: words.arrowsHelp });
    for (const [value, text] of words.arrowKinds) make(choice, "option", "", { value }).textContent = text;
    choice.addEventListener("change", () => {
      model.set("arrows", choice.value);
      model.save_changes();
    });
    const trail = make(legend, "label", "gw-trail", { title: words.trailHelp });
    make(trail, "span", "").textContent = words.trail;
    const back = make(trail, "input", "", { type: "number", min: 1, step: 1, "data-lm-suppress-shortcuts": "true" });
    make(trail, "span", "gw-unit").textContent = words.trailUnit;
    const goBack = () => {
      const wanted = Math.round(Number(back.value));
      if (wanted >= 1 && wanted <= 1e6) {
        model.set("trail", wanted);
        model.save_changes();
      }
      back.value = model.get("trail");
    };
    back.addEventListener("change", goBack);
    back.addEventListener("keydown", (event) => {
      if (event.key === "Enter") goBack(); // the notebook keeps the browser from saying that it changed
      event.stopPropagation();
    });
    const ramp = make(el, "div", "gw-verdict-scale", {});
    make(ramp, "span", "").textContent = words.saysGenerated;
    make(ramp, "i", "gw-ramp").textContent = words.saysNothing;
    make(ramp, "span", "").textContent = words.saysReal;
    el.insertBefore(ramp, note);

    const showLayers = () => {
      const shown = model.get("layers");
      for (const [name, input] of Object.entries(boxes)) input.checked = shown[name];
      choice.hidden = !shown.gradients || frame?.walked;
      choice.value = model.get("arrows");
      trail.hidden = !shown.trails || frame?.walked;
      back.value = model.get("trail");
      ramp.hidden = !shown.verdict || !frame?.judged;
      tellNotes();
      later();
    };
    const tellNotes = () => {
      const shown = model.get("layers");
      const said = frame ? frame.notes.filter(([layer]) => !layer || shown[layer]).map(([, text]) => text) : [];
      if (note.textContent !== said.join(" ")) note.textContent = said.join(" ");
    };

    const onMessage = (content, buffers) => {
      if (!content.frame) return;
      frame = content.frame;
      const fresh = unpack(frame.parts, buffers);
      const kept = Object.entries(parts).filter(([name]) => frame.keep.includes(name));
      parts = { ...Object.fromEntries(kept), ...fresh };
      if (look.settle(frame.extent)) moved();
      if (wished) walk(...wished);
      for (const name of words.legend) boxes[name].closest("label").hidden = !frame.layers.includes(name);
      ramp.hidden = !model.get("layers").verdict || !frame.judged;
      choice.hidden = !model.get("layers").gradients || frame.walked;
      trail.hidden = !model.get("layers").trails || frame.walked;
      tellNotes();
      later();
    };

    model.on("msg:custom", onMessage);
    model.on("change:layers", showLayers);
    model.on("change:arrows", showLayers);
    model.on("change:trail", showLayers);
    const resized = new ResizeObserver(later);
    resized.observe(canvas);
    showLayers();
    moved();
    model.send({ hello: true });
    return () => {
      cancelAnimationFrame(waiting);
      clearTimeout(resting);
      resized.disconnect();
      model.off("msg:custom", onMessage);
      model.off("change:layers", showLayers);
      model.off("change:arrows", showLayers);
      model.off("change:trail", showLayers);
    };
  },
};
