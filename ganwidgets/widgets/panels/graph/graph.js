// Draws a GraphView: both networks, what flows between them, and each part as a live miniature. The messages are
// described in view.py.

import { colorsOf, drawsOnce, fittedPen, watchTheme } from "../../browser/shared/canvases.js";
import { make, makeButton, makeSvg } from "../../browser/shared/elements.js";
import { taken } from "../../browser/shared/keys.js";
import { listen, PICTURE, renewed } from "../../browser/shared/messages.js";
import { clamp } from "../../browser/shared/numbers.js";
import { paint } from "./painters.js";
import { places, ways } from "./places.js";

/** Duration of the noise grid's animation to the manifold, in milliseconds. */
const MORPH = 2200;
/** Period of the dashes in pixels. */
const DASH = 12;

const still = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

let views = 0;

export default {
  render({ model, el }) {
    const words = model.get("words");
    const id = `gw-graph-${(views += 1)}-${Math.random().toString(36).slice(2, 8)}`;
    el.classList.add("gw-graph-view");
    el.setAttribute("data-lm-suppress-shortcuts", "true");
    const head = make(el, "div", "gw-graph-head");
    const unfold = () => {
      model.set("unfolded", !model.get("unfolded"));
      model.save_changes();
    };
    const fold = makeButton(head, "gw-graph-fold", "", unfold, { title: words.foldHelp });
    const description = make(head, "div", "gw-graph-description", { id: `${id}-description`, role: "status" });
    const stage = make(el, "div", "gw-graph-stage", { role: "group", "aria-label": words.title });
    const svg = makeSvg(stage, "svg", "gw-graph-ways", { "aria-hidden": "true" });
    const canvas = make(stage, "canvas", "gw-graph-canvas", { "aria-hidden": "true" });
    const large = make(el, "div", "gw-graph-large", { role: "dialog", "aria-modal": "false", hidden: "" });

    let frame = null;
    let parts = {};
    let place = places(960);
    let share = 1; // of the way from the noise to the manifold
    let morphing = 0;
    let current = ""; // the part under the pointer, or in focus
    let opened = ""; // the part that is seen large
    let offset = 0;
    let flowed = 0;
    let flowing = false;

    // --- parts -----------------------------------------------------------------------------------

    const heads = makeSvg(makeSvg(svg, "defs"), "g");
    for (const kind of ["forward", "d", "g"]) {
      const marker = makeSvg(heads, "marker", `gw-graph-tip gw-graph-tip-${kind}`, {
        id: `${id}-${kind}`,
        viewBox: "0 0 8 8",
        refX: 5,
        refY: 4,
        markerWidth: 7,
        markerHeight: 7,
        markerUnits: "userSpaceOnUse",
        orient: "auto",
      });
      makeSvg(marker, "path", "", { d: "M0 0L8 4L0 8z" });
    }
    const lines = {};
    for (const [name] of ways(place)) {
      const kind = name === "loop-d" ? "d" : name === "loop-g" ? "g" : "forward";
      const end = { "marker-end": `url(#${id}-${kind})` };
      lines[name] = makeSvg(svg, "path", `gw-way gw-way-${kind} gw-way-${name}`, end);
    }
    const nodes = {};
    for (const { name, label, short } of words.nodes) {
      const button = makeButton(stage, `gw-node gw-node-${name}`, "", () => enlarge(name), {
        "aria-label": label,
        "aria-describedby": `${id}-description`,
        "aria-haspopup": "dialog",
      });
      make(button, "span", "gw-node-label", {}, short);
      make(button, "b", "gw-node-value");
      nodes[name] = button;
      const say = () => {
        current = name;
        saying();
      };
      button.addEventListener("pointerenter", say);
      button.addEventListener("focus", say);
      for (const away of ["pointerleave", "blur"]) {
        button.addEventListener(away, () => {
          const focused = document.activeElement?.closest?.(".gw-node");
          current = el.contains(focused) ? Object.keys(nodes).find((key) => nodes[key] === focused) : "";
          saying();
        });
      }
    }
    const showMorph = () => {
      if (still()) enlarge("generator");
      else play();
    };
    const morph = makeButton(stage, "gw-morph", `\u25b6\ufe0e ${words.morph}`, showMorph, {
      title: words.morphHelp,
      "aria-label": words.morphHelp,
    });

    // --- the animation from the noise to the manifold -------------------------------------------------

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
    make(travel, "span", "", {}, words.travel);
    const slider = make(travel, "input", "gw-morph-slider", { type: "range", min: 0, max: 100, value: 100 });
    slider.addEventListener("input", () => {
      cancelAnimationFrame(morphing);
      share = slider.value / 100;
      draw();
    });
    const again = makeButton(beside, "gw-action gw-morph-large", words.morph, play);
    const close = makeButton(beside, "gw-action gw-graph-close", words.close, () => enlarge(""));
    large.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      taken(event);
      enlarge("");
    });

    const enlarge = (name) => {
      const before = opened;
      opened = name;
      // Do this before the focused element disappears; otherwise the notebook moves the focus to a cell.
      if (!name) nodes[before]?.focus({ preventScroll: true });
      large.hidden = !name;
      if (!name) {
        share = 1;
        slider.value = 100;
      } else {
        title.textContent = words.nodes.find((node) => node.name === name).label;
        const moves = name === "generator" && frame?.view === "plane";
        travel.hidden = again.hidden = !moves;
        again.hidden ||= still();
        close.focus({ preventScroll: true });
      }
      saying();
      later();
    };

    // --- drawing ------------------------------------------------------------------------------------

    const draw = () => {
      if (!frame) return;
      const colors = {
        ...colorsOf(el, ["real", "generated", "d", "g", "text"]),
        font: getComputedStyle(el).fontFamily,
        muted: "#8a8a8a",
      };
      const within = (pen, name, box, size) => {
        pen.save();
        pen.beginPath();
        pen.rect(box.x, box.y, box.w, box.h);
        pen.clip();
        paint(name, { pen, parts, frame, colors, words }, box, size, share);
        pen.restore();
      };
      if (model.get("unfolded")) {
        const pen = fittedPen(canvas);
        for (const [name, box] of Object.entries(place.boxes)) within(pen, name, box, 1);
      }
      if (opened) {
        const side = picture.clientWidth;
        within(fittedPen(picture), opened, { x: 0, y: 0, w: side, h: picture.clientHeight }, 2.2);
      }
    };
    const later = drawsOnce(draw, canvas);

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
      // For the list of data, another widget on the stage.
      el.parentElement?.style.setProperty("--gw-stage-top", `${stage.offsetTop}px`);
      const { generator } = place.boxes;
      // Beside the name if both fit, otherwise in the corner of the picture.
      const corner = generator.w < 160;
      Object.assign(morph.style, {
        left: `${generator.x + generator.w - (corner ? 3 : 0)}px`,
        top: `${corner ? generator.y + generator.h - 21 : generator.y - 19}px`,
      });
      later();
    };

    const saying = () => {
      const text = (frame && current && frame.descriptions[current]) || words.lead;
      if (description.textContent !== text) description.textContent = text;
      const more = (frame && opened && frame.descriptions[opened]) || "";
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
     * Advance the dashes: farther after more steps, but by less than half a period, so that they never seem to go
     * back. They move only when a picture is drawn anyway, because repainting the page by a timer costs more than
     * the pictures.
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
      parts = renewed(parts, frame, buffers);
      for (const [name, node] of Object.entries(nodes)) {
        node.querySelector(".gw-node-value").textContent = frame.values[name] ?? "";
      }
      morph.hidden = frame.view !== "plane";
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
    const unlisten = listen(model, { "msg:custom": onMessage, "change:unfolded": showOpen });
    document.addEventListener(PICTURE, flowAlong);
    const resized = new ResizeObserver(arrange);
    resized.observe(stage);
    const unthemed = watchTheme(later);
    showOpen();
    saying();
    model.send({ hello: true });
    return () => {
      later.cancel();
      cancelAnimationFrame(morphing);
      document.removeEventListener(PICTURE, flowAlong);
      resized.disconnect();
      unthemed();
      unlisten();
    };
  },
};
