// The legend below the plane: shown layers, and the meaning of the colours.

import { make, setOptions } from "../../browser/shared/elements.js";

/** Add the legend of a view to its element. Return functions that update it. */
export function makeLegend(el, model, words) {
  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };

  const legend = make(el, "div", "gw-layers", { role: "group", "aria-label": words.layers });
  const boxes = {};
  for (const name of words.legend) {
    const { label, help } = words.layer.find((layer) => layer.name === name);
    const toggle = make(legend, "label", `gw-layer gw-layer-${name}`, { title: help });
    const input = make(toggle, "input", "", { type: "checkbox" });
    make(toggle, "i", `gw-swatch gw-swatch-${name}`);
    make(toggle, "span", "", {}, label);
    boxes[name] = input;
    input.addEventListener("change", () => set("layers", { ...model.get("layers"), [name]: input.checked }));
  }

  const arrows = make(legend, "select", "gw-arrows", { "aria-label": words.arrows, title: words.arrowsHelp });
  setOptions(arrows, words.arrowKinds);
  arrows.addEventListener("change", () => set("arrows", arrows.value));

  const trail = make(legend, "label", "gw-trail", { title: words.trailHelp });
  make(trail, "span", "", {}, words.trail);
  const back = make(trail, "input", "", { type: "number", min: 1, step: 1, "data-lm-suppress-shortcuts": "true" });
  make(trail, "span", "gw-unit", {}, words.trailUnit);
  const goBack = () => {
    const wanted = Math.round(Number(back.value));
    if (wanted >= 1 && wanted <= 1e6) set("trail", wanted);
    back.value = model.get("trail");
  };
  back.addEventListener("change", goBack);
  back.addEventListener("keydown", (event) => {
    if (event.key === "Enter") goBack(); // the notebook keeps the browser from saying that it changed
    event.stopPropagation();
  });

  const ramp = make(el, "div", "gw-verdict-scale");
  make(ramp, "span", "", {}, words.saysGenerated);
  make(ramp, "i", "gw-ramp", {}, words.saysNothing);
  make(ramp, "span", "", {}, words.saysReal);
  const note = make(el, "div", "gw-plane-note");

  /** Show what belongs to the layers that are shown. */
  const showParts = (frame) => {
    const shown = model.get("layers");
    arrows.hidden = !shown.gradients || frame?.walked;
    trail.hidden = !shown.trails || frame?.walked;
    ramp.hidden = !shown.verdict || !frame?.judged;
    const notes = frame ? frame.notes.filter(([layer]) => !layer || shown[layer]).map(([, text]) => text) : [];
    if (note.textContent !== notes.join(" ")) note.textContent = notes.join(" ");
  };
  return {
    /** Show the model's traits. */
    showTraits(frame) {
      const shown = model.get("layers");
      for (const [name, input] of Object.entries(boxes)) input.checked = shown[name];
      arrows.value = model.get("arrows");
      back.value = model.get("trail");
      showParts(frame);
    },
    /** Show buttons for the layers of a frame. */
    showFrame(frame) {
      for (const name of words.legend) boxes[name].closest("label").hidden = !frame.layers.includes(name);
      showParts(frame);
    },
  };
}
