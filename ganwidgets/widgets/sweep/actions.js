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
  const button = (name, act, text = words[name]) => {
    const title = fill(words[`${name}_help`] ?? "", { source });
    return makeButton(el, `jupyter-button gw-sweep-${name}`, text, act, title ? { title } : {});
  };
  make(el, "strong", "", {}, runs.length === 1 ? words.one_run : fill(words.runs, { n: runs.length }));
  if (runs.length === 1) button("open", () => send("open", { runs }));
  const setting = make(el, "select", "gw-sweep-setting", { "aria-label": words.setting });
  setOptions(setting, scene.settings);
  const offered = (name) => [...setting.options].some((option) => option.value === name);
  setting.value = [view.setting, ...scene.varied.map(([name]) => name), "lr_d"].find(offered);
  const place = make(el, "span");
  const apply = () => send("change", { runs, setting: setting.value, value: view.value });
  const ask = () => {
    const name = setting.value;
    const known = [...new Set(runs.map((run) => scene.runs[run].settings[name] ?? scene.common[name]))];
    const choices = scene.choices[name];
    const hints = { "aria-label": words.value, title: words.value };
    place.replaceChildren();
    const input = choices
      ? make(place, "select", "gw-sweep-value", hints)
      : make(place, "input", "gw-sweep-value", { ...hints, type: "text", placeholder: known.join(", ") });
    if (choices) {
      setOptions(input, choices);
      if (!choices.some(([value]) => value === view.value)) view.value = known[0];
    }
    input.value = view.value;
    input.addEventListener("input", () => (view.value = input.value));
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") apply();
    });
  };
  setting.addEventListener("change", () => {
    view.setting = setting.value;
    view.value = "";
    ask();
  });
  ask();
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

/** Scroll to the run that will be opened in `detail`, below the cells, once the page shows it; and back once it is closed. */
export function scrollToOpened(detail, cells) {
  if (!detail) return;
  let open = false;
  const shown = new MutationObserver(() => {
    if (Boolean(detail.querySelector(".gw-status")) === open) return;
    open = !open;
    if (!open) shown.disconnect();
    requestAnimationFrame(() => (open ? detail : cells).scrollIntoView({ block: "start" }));
  });
  shown.observe(detail, { childList: true, subtree: true });
}
