// The buttons for the selected runs of a sweep: change a setting, stop, start again, open.

import { make, makeButton, setOptions } from "../browser/shared/elements.js";
import { fill } from "../browser/shared/texts.js";

/**
 * Show the buttons for `runs` in `el`. `source` is the run of the cell in focus, `send(act, rest)` reaches the kernel, and
 * `view` keeps the setting and the value between two calls.
 */
export function showActions(el, runs, source, { scene, words }, view, send, clear) {
  el.replaceChildren();
  el.hidden = !runs.length;
  if (!runs.length) return;
  const button = (name, act, text = words[name]) => makeButton(el, `jupyter-button gw-sweep-${name}`, text, act);
  make(el, "strong", "", {}, fill(words.runs, { n: runs.length }));
  if (runs.length === 1) button("open", () => send("open", { runs }));
  const setting = make(el, "select", "gw-sweep-setting", { "aria-label": words.setting });
  setOptions(setting, scene.settings);
  const offered = (name) => [...setting.options].some((option) => option.value === name);
  setting.value = [view.setting, ...scene.varied.map(([name]) => name), "lr_d"].find(offered);
  setting.addEventListener("change", () => (view.setting = setting.value));
  const input = make(el, "input", "gw-sweep-value", { type: "text", "aria-label": words.value, placeholder: words.value });
  input.value = view.value;
  input.addEventListener("input", () => (view.value = input.value));
  const apply = () => send("change", { runs, setting: setting.value, value: input.value });
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") apply();
  });
  button("apply", apply);
  button("kill", () => send("kill", { runs }));
  button("respawn", () => send("respawn", { runs }));
  if (runs.length > 1 && source !== undefined) {
    for (const kind of ["warm", "cold"]) {
      const act = () => send("respawn", { runs, source, warm: kind === "warm" });
      button(kind, act, fill(words[kind], { source }));
    }
  }
  button("clear", clear);
}

/** Scroll to the run that will be opened in `detail`, below the cells, once the page shows it. */
export function scrollToOpened(detail) {
  if (!detail) return;
  const shown = new MutationObserver(() => {
    if (!detail.querySelector(".gw-status")) return;
    shown.disconnect();
    requestAnimationFrame(() => detail.scrollIntoView({ block: "start" }));
  });
  shown.observe(detail, { childList: true, subtree: true });
}
