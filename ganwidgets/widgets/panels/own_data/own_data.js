// A board to draw data on, and a place to paste or load points. The messages are described in panel.py.

import { colorsOf, drawsOnce, resize } from "../../browser/shared/canvases.js";
import { make, makeButton } from "../../browser/shared/elements.js";
import { ARROWS, taken } from "../../browser/shared/keys.js";
import { arrayOf, listen } from "../../browser/shared/messages.js";
import { clamp } from "../../browser/shared/numbers.js";

const REACH = 1.25; // the board shows -REACH to REACH both ways
const STEP = 0.05;

const round = (value) => Math.round(value * 1e4) / 1e4;

const button = (parent, name, words, act) =>
  makeButton(parent, `jupyter-button gw-own-button gw-${name}`, words[name], act, { title: words[`${name}-help`] });

/** The thumbnails of the presets. */
function gallery(el, model, words) {
  const row = make(el, "div", "gw-presets", { role: "group", "aria-label": words.presets });
  const canvases = [];
  for (const { name, label, help, points } of words.thumbnails) {
    const choice = makeButton(row, `gw-preset gw-preset-${name}`, "", () => model.send({ preset: name }), { title: help });
    const canvas = make(choice, "canvas", "", { width: 112, height: 112, "aria-hidden": "true" });
    make(choice, "span", "", {}, label);
    canvases.push([canvas, points]);
  }
  return (color) => {
    for (const [canvas, points] of canvases) {
      const pen = canvas.getContext("2d");
      pen.clearRect(0, 0, 112, 112);
      pen.fillStyle = color;
      for (let index = 0; index < points.length; index += 2) {
        pen.fillRect(56 + 44 * points[index] - 1.5, 56 - 44 * points[index + 1] - 1.5, 3, 3);
      }
    }
  };
}

export default {
  render({ model, el }) {
    const words = model.get("words");
    el.classList.add("gw-own-data");
    make(el, "h4", "", {}, words.title);
    const paintGallery = gallery(el, model, words);
    const columns = make(el, "div", "gw-own-columns");

    // --- the board ------------------------------------------------------------------------------

    const left = make(columns, "div", "gw-own-drawing");
    const canvas = make(left, "canvas", "gw-board", {
      tabindex: "0",
      role: "application",
      "aria-label": words.board,
      "data-lm-suppress-shortcuts": "true",
    });
    const tools = make(left, "div", "gw-own-tools");
    const paints = button(tools, "draw", words, () => choose(false));
    const erases = button(tools, "erase", words, () => choose(true));
    const undo = button(tools, "undo-stroke", words, () => goBack());
    const clear = button(tools, "clear", words, () => strokes().length && keep([]));
    const brushLine = make(tools, "label", "gw-brush", { title: words["brush-help"] });
    make(brushLine, "span", "", {}, words.brush);
    const brush = make(brushLine, "input", "", { type: "range", min: "0.02", max: "0.3", step: "0.01", value: "0.06" });
    const size = make(brushLine, "output", "");
    const drawn = make(tools, "div", "gw-own-message", { role: "status" });
    const trainDrawing = button(tools, "train-drawing", words, () => model.send({ train: "drawing" }));

    const pen = canvas.getContext("2d");
    const paint = document.createElement("canvas");
    const history = [];
    let erasing = false;
    let stroke = null;
    let preview = new Float32Array(0);
    let cursor = null;

    const strokes = () => model.get("strokes");
    const keep = (next) => {
      history.push(strokes());
      model.set("strokes", next);
      model.save_changes();
    };

    const draw = () => {
      const side = Math.round(canvas.clientWidth * Math.min(2, window.devicePixelRatio || 1));
      if (!side) return;
      resize(canvas, side, side);
      resize(paint, side, side);
      const { real, text } = colorsOf(el, ["real", "text"]);
      paintGallery(real);
      const at = (x, y) => [((x + REACH) / (2 * REACH)) * side, ((REACH - y) / (2 * REACH)) * side];
      const scale = side / (2 * REACH);
      const brushPen = paint.getContext("2d");
      brushPen.clearRect(0, 0, side, side);
      brushPen.lineCap = brushPen.lineJoin = "round";
      brushPen.strokeStyle = real;
      for (const [erase, radius, path] of stroke ? [...strokes(), stroke] : strokes()) {
        brushPen.globalCompositeOperation = erase ? "destination-out" : "source-over";
        brushPen.lineWidth = 2 * radius * scale;
        brushPen.beginPath();
        brushPen.moveTo(...at(path[0], path[1]));
        for (let index = 0; index < path.length; index += 2) brushPen.lineTo(...at(path[index], path[index + 1]));
        brushPen.stroke();
      }
      pen.clearRect(0, 0, side, side);
      pen.globalAlpha = 0.14;
      pen.strokeStyle = text;
      for (const value of [-1, 0, 1]) {
        pen.beginPath();
        pen.moveTo(...at(value, -REACH));
        pen.lineTo(...at(value, REACH));
        pen.moveTo(...at(-REACH, value));
        pen.lineTo(...at(REACH, value));
        pen.stroke();
      }
      pen.globalAlpha = 0.3;
      pen.drawImage(paint, 0, 0);
      pen.globalAlpha = 0.9;
      pen.fillStyle = real;
      const mark = side / 130;
      for (let index = 0; index < (stroke ? 0 : preview.length); index += 2) {
        const [x, y] = at(preview[index], preview[index + 1]);
        pen.fillRect(x - mark / 2, y - mark / 2, mark, mark);
      }
      if (cursor) {
        pen.globalAlpha = 1;
        pen.strokeStyle = text;
        pen.lineWidth = side / 300;
        pen.setLineDash(erasing ? [side / 60, side / 90] : []);
        pen.beginPath();
        pen.arc(...at(...cursor), Number(brush.value) * scale, 0, 2 * Math.PI);
        pen.stroke();
        pen.setLineDash([]);
      }
    };
    const later = drawsOnce(draw);

    const where = (event) => {
      const box = canvas.getBoundingClientRect();
      const inside = (value) => clamp(value, 0, 1);
      return [
        round(REACH * (2 * inside((event.clientX - box.left) / box.width) - 1)),
        round(REACH * (1 - 2 * inside((event.clientY - box.top) / box.height))),
      ];
    };
    canvas.addEventListener("pointerdown", (event) => {
      // The eraser end of a pen reports button 5; other buttons of a mouse draw nothing.
      if (stroke || (event.button !== 0 && event.button !== 5)) return;
      canvas.setPointerCapture(event.pointerId);
      canvas.focus({ preventScroll: true });
      cursor = where(event);
      stroke = [erasing || event.button === 5, Number(brush.value), [...cursor]];
      event.preventDefault();
      later();
    });
    canvas.addEventListener("pointermove", (event) => {
      cursor = where(event);
      if (stroke && canvas.hasPointerCapture(event.pointerId)) {
        for (const each of event.getCoalescedEvents?.() ?? [event]) {
          const [x, y] = where(each);
          const path = stroke[2];
          if (Math.hypot(x - path.at(-2), y - path.at(-1)) >= stroke[1] / 4) path.push(x, y);
        }
      }
      later();
    });
    const finish = (event) => {
      if (!stroke || !canvas.hasPointerCapture(event.pointerId)) return;
      const [x, y] = where(event);
      if (event.type === "pointerup" && (x !== stroke[2].at(-2) || y !== stroke[2].at(-1))) stroke[2].push(x, y);
      const done = stroke;
      stroke = null;
      keep([...strokes(), done]);
    };
    canvas.addEventListener("pointerup", finish);
    canvas.addEventListener("pointercancel", finish);
    canvas.addEventListener("pointerleave", () => {
      if (!stroke) cursor = null;
      later();
    });

    const choose = (erase) => {
      erasing = erase;
      paints.setAttribute("aria-pressed", String(!erase));
      erases.setAttribute("aria-pressed", String(erase));
      later();
    };
    const goBack = () => {
      // A reloaded page has the strokes, but not those from before they were cleared.
      model.set("strokes", history.pop() ?? strokes().slice(0, -1));
      model.save_changes();
    };
    brush.addEventListener("input", () => {
      size.textContent = Number(brush.value).toFixed(2);
      later();
    });
    canvas.addEventListener("keydown", (event) => {
      const way = ARROWS[event.key];
      if (event.altKey || event.metaKey) return;
      if (event.key === "z" && event.ctrlKey) goBack();
      else if (event.ctrlKey) return;
      else if (way) {
        const [x, y] = cursor ?? [0, 0];
        const bounded = (value) => round(clamp(value, -REACH, REACH));
        cursor = [bounded(x + STEP * way[0]), bounded(y + STEP * way[1])];
        later();
      } else if (event.key === " ") {
        cursor ??= [0, 0];
        keep([...strokes(), [erasing, Number(brush.value), [...cursor]]]);
      } else if (event.key === "e") choose(!erasing);
      else return;
      taken(event);
    });

    // --- text -----------------------------------------------------------------------------------

    const right = make(columns, "div", "gw-own-text");
    const label = make(right, "label", "gw-own-label", {}, words.paste);
    const area = make(label, "textarea", "gw-paste", {
      rows: "7",
      spellcheck: "false",
      placeholder: "x, y\n0.5, -0.25\n0.1, 0.9",
      "data-lm-suppress-shortcuts": "true",
    });
    const fileLine = make(right, "label", "gw-own-file", {}, words.file);
    const file = make(fileLine, "input", "gw-file", { type: "file", accept: ".csv,.tsv,.txt,text/plain,text/csv" });
    const read = make(right, "div", "gw-own-message gw-own-read", { role: "status" });
    const trainText = button(right, "train-points", words, () => model.send({ train: "text" }));
    make(el, "p", "gw-own-consequence", {}, words.consequence);

    let timer = 0;
    const sendText = () => {
      clearTimeout(timer);
      model.send({ text: area.value });
    };
    area.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(sendText, 300);
    });
    area.addEventListener("change", sendText);
    file.addEventListener("change", async () => {
      const chosen = file.files[0];
      file.value = "";
      if (!chosen) return;
      if (chosen.size > 5e6) {
        read.textContent = words.large;
        read.classList.add("gw-refusal");
        return;
      }
      area.value = await chosen.text();
      sendText();
    });

    // --- messages of the kernel -------------------------------------------------------------------

    const show = () => {
      undo.disabled = history.length + strokes().length === 0;
      clear.disabled = strokes().length === 0;
      later();
    };
    const onMessage = (content, buffers) => {
      if (content.drawn !== undefined) {
        preview = arrayOf("f4", buffers[0]); // x and y in turn
        trainDrawing.disabled = !content.drawn.count;
        drawn.textContent = content.drawn.message;
        later();
      }
      if (content.read !== undefined) {
        read.textContent = content.read.message;
        read.classList.toggle("gw-refusal", content.read.refused);
        trainText.disabled = !content.read.count;
      }
    };
    const unlisten = listen(model, { "msg:custom": onMessage, "change:strokes": show });
    const resized = new ResizeObserver(later);
    resized.observe(canvas);
    trainDrawing.disabled = trainText.disabled = true;
    size.textContent = Number(brush.value).toFixed(2);
    choose(false);
    show();
    model.send({ hello: true });
    return () => {
      clearTimeout(timer);
      later.cancel();
      resized.disconnect();
      unlisten();
    };
  },
};
