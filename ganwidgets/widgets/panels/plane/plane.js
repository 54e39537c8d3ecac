// Draws a PlaneView: the layers of the plane, zoom, pan, and what a point under the pointer is. The messages are
// described in view.py.

import { colorsOf, drawsOnce, fittedPen, watchTheme } from "../../browser/shared/canvases.js";
import { make, makeButton } from "../../browser/shared/elements.js";
import { announcePicture, listen, renewed } from "../../browser/shared/messages.js";
import { clamp } from "../../browser/shared/numbers.js";
import { fill } from "../../browser/shared/texts.js";
import { drawAxes } from "./axes.js";
import { takeGestures, ZOOM } from "./gestures.js";
import { makeLegend } from "./legend.js";
import { PAINTERS } from "./painters.js";
import { cheapest, described, thumbnails } from "./points.js";
import { Window } from "./window.js";

/** Pixels around the axes; a layout may choose another left margin. */
const ROOM = { left: 36, right: 8, top: 4 };

/** Milliseconds without movement after which a view counts as at rest. */
const REST = 150;

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
    const tip = make(stage, "div", "gw-readout", { hidden: "", "aria-hidden": "true" });
    const spoken = make(stage, "div", "gw-spoken", { role: "status" });
    const outside = make(stage, "div", "gw-outside", { hidden: "" });
    const tools = make(stage, "div", "gw-zoom");
    const legend = makeLegend(el, model, words);

    const look = new Window();
    let frame = null;
    let parts = {};
    let selected = null; // [layer, index]
    let pinned = false;
    let wished = null; // which way an arrow key went while there was no point yet
    let pointer = null; // the mouse's place, until a point is chosen otherwise
    let box = { left: ROOM.left, top: ROOM.top, side: 1 };
    let resting = 0;
    let sentWindow = "null";

    // --- drawing ------------------------------------------------------------------------------

    /** Return the place of a point on the canvas. */
    const place = (x, y) => {
      const [x0, x1, y0, y1] = look.box;
      return [box.left + ((x - x0) / (x1 - x0)) * box.side, box.top + ((y1 - y) / (y1 - y0)) * box.side];
    };
    const within = (x, y) => {
      const { left, top, side } = box;
      return x >= left && x <= left + side && y >= top && y <= top + side;
    };

    const draw = () => {
      announcePicture(el);
      const styles = getComputedStyle(el);
      const colors = colorsOf(el, ["real", "generated", "d", "g", "text", "ground"]);
      const pen = fittedPen(canvas);
      const left = Number.parseFloat(styles.getPropertyValue("--gw-room-left")) || ROOM.left;
      const side = canvas.clientWidth - left - ROOM.right;
      box = { left, top: ROOM.top, side };
      putMapInPlace();
      if (!frame || side <= 0) return;
      drawAxes(pen, frame, look.box, box, place, styles, colors.text);
      const shown = model.get("layers");
      const size = clamp(look.zoom ** 0.35, 0.7, 2.4);
      const scene = { pen, parts, at: place, colors, frame, size, side, kind: frame.arrows };
      pen.save();
      pen.beginPath();
      pen.rect(box.left, box.top, side, side);
      pen.clip();
      for (const { name } of words.layer) {
        if (!shown[name]) continue;
        pen.save();
        PAINTERS[name](scene);
        pen.restore();
      }
      pen.restore();
      follow(pen, colors, shown);
      showOutside(shown);
    };
    const later = drawsOnce(draw, canvas);

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

    const showOutside = (shown) => {
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

    // --- one sample -----------------------------------------------------------------------------

    const lines = () => described(selected, words, frame, parts);

    /** Mark the selected sample at its current position, and show its figures. */
    const follow = (pen, colors, shown) => {
      if (pointer && !pinned) selected = nearest(pointer.x, pointer.y, pointer.reach);
      const points = selected && shown[selected[0]] ? parts[selected[0]] : null;
      const index = selected?.[1];
      const known = points && 2 * index + 1 < points.length;
      const [x, y] = known ? place(points[2 * index], points[2 * index + 1]) : [Number.NaN, Number.NaN];
      tip.hidden = !within(x, y);
      if (tip.hidden) return;
      pen.lineWidth = 2;
      pen.strokeStyle = colors.text;
      pen.beginPath();
      pen.arc(x, y, 7, 0, 2 * Math.PI);
      pen.stroke();
      tip.replaceChildren(...lines().map((line) => make(null, "div", "", {}, line)), ...thumbnails(selected, parts));
      const right = x > box.left + box.side / 2;
      const low = y > box.top + box.side / 2;
      tip.style.left = right ? "" : `${x + 12}px`;
      tip.style.right = right ? `${canvas.clientWidth - x + 12}px` : "";
      tip.style.top = low ? "" : `${y + 10}px`;
      tip.style.bottom = low ? `${canvas.clientHeight - y + 10}px` : "";
    };

    const best = (cost) => cheapest(parts, model.get("layers"), place, cost);
    const nearest = (px, py, reach) =>
      best((x, y) => {
        const distance = Math.hypot(x - px, y - py);
        return distance <= reach ? distance : Number.POSITIVE_INFINITY;
      });

    /** Select the next sample in a direction; the first time the one nearest to the middle. */
    const walk = (across, down) => {
      const points = selected && parts[selected[0]];
      if (!points) {
        selected = best((x, y) => Math.hypot(x - box.left - box.side / 2, y - box.top - box.side / 2));
      } else {
        const [px, py] = place(points[2 * selected[1]], points[2 * selected[1] + 1]);
        const next = best((x, y) => {
          const [dx, dy] = [x - px, y - py];
          const along = dx * across + dy * down;
          const aside = Math.abs(dx * down) + Math.abs(dy * across);
          return within(x, y) && along > 0.5 && aside <= 2 * along ? along + 2 * aside : Number.POSITIVE_INFINITY;
        });
        selected = next ?? selected;
      }
      wished = selected ? null : [across, down];
      pinned = true;
      pointer = null;
      if (selected) spoken.textContent = lines().join(", ");
      later();
    };

    // --- the part of the plane --------------------------------------------------------------------

    const moved = () => {
      canvas.style.touchAction = look.moved ? "none" : "pan-y";
      canvas.dataset.window = look.box.map((side) => side.toPrecision(6)).join();
      if (frame?.judged) {
        clearTimeout(resting);
        resting = setTimeout(sendWindow, REST);
      }
      later();
    };
    /** Request the map of the verdict for the visible part of the plane, at full resolution. */
    const sendWindow = () => {
      const part = look.moved ? look.box : null;
      if (JSON.stringify(part) === sentWindow) return;
      sentWindow = JSON.stringify(part);
      model.send({ window: part });
    };
    const zoom = (factor, across = 0.5, up = 0.5) => {
      const changed = look.magnify(factor, across, up);
      if (changed) moved();
      return changed;
    };
    const pan = (across, up) => {
      look.pan(across, up);
      moved();
    };
    const home = () => {
      look.reset();
      moved();
    };
    takeGestures(canvas, () => box, {
      hover(x, y, reach) {
        pinned = false;
        pointer = { x, y, reach };
        later();
      },
      choose(x, y, reach) {
        selected = nearest(x, y, reach);
        pinned = selected !== null;
        later();
      },
      leave() {
        pointer = null;
        if (!pinned) selected = null;
        later();
      },
      forget() {
        selected = wished = null;
        pinned = false;
        later();
      },
      drag(across, up) {
        pointer = null;
        pan(across, up);
      },
      pan,
      walk,
      zoom,
      home,
    });
    for (const [name, sign, act] of [
      ["zoom-in", "+", () => zoom(ZOOM)],
      ["zoom-out", "\u2212", () => zoom(1 / ZOOM)],
      ["zoom-home", "\u2302", home],
    ]) {
      makeButton(tools, `gw-${name}`, sign, act, { title: words[name], "aria-label": words[name] });
    }

    // --- from the kernel ----------------------------------------------------------------------------

    const showTraits = () => {
      legend.showTraits(frame);
      later();
    };
    const onMessage = (content, buffers) => {
      if (!content.frame) return;
      frame = content.frame;
      parts = renewed(parts, frame, buffers);
      if (look.settle(frame.extent)) moved();
      if (wished) walk(...wished);
      legend.showFrame(frame);
      later();
    };
    const unlisten = listen(model, {
      "msg:custom": onMessage,
      "change:layers": showTraits,
      "change:arrows": showTraits,
      "change:trail": showTraits,
    });
    const resized = new ResizeObserver(later);
    resized.observe(canvas);
    const unthemed = watchTheme(later);
    showTraits();
    moved();
    model.send({ hello: true });
    return () => {
      later.cancel();
      clearTimeout(resting);
      resized.disconnect();
      unthemed();
      unlisten();
    };
  },
};
