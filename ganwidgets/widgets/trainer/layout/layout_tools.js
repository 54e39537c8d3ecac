// Tools that arrange the panels of one widget, and its presentation. The messages are described in layout_tools.py.

import { make, makeButton } from "../../browser/shared/elements.js";
import { listen } from "../../browser/shared/messages.js";
import { fill } from "../../browser/shared/texts.js";
import { keepInView } from "./keep_in_view.js";

/** Actions of keys in the presentation. Clickers send Page Up, Page Down, and "." or "b" for a blank screen. */
const KEYS = {
  " ": "toggle",
  b: "toggle",
  ".": "toggle",
  ArrowRight: "step",
  PageDown: "step",
  ArrowLeft: "back",
  PageUp: "back",
  d: "step_d",
  g: "step_g",
};

/** True if the focused element handles the key itself: a field, a list, a slider, or a button for the space bar. */
function occupied(event) {
  const target = event.composedPath()[0];
  if (!(target instanceof Element)) return false;
  if (target.closest("textarea, select, [contenteditable=true], input:not([type=checkbox], [type=radio], [type=button])")) return true;
  if (event.key.startsWith("Arrow") && target.closest("[role=slider]")) return true;
  return event.key === " " && Boolean(target.closest("button, input, summary, a"));
}

/** True if an arrow key turns the pages of a dialog that is open in the widget, such as the guided tour. */
const turnsPages = (event, root) => event.key.startsWith("Arrow") && Boolean(root?.querySelector("[role=dialog]:not([hidden])"));

const button = (parent, text, title, act, className = "") =>
  makeButton(parent, `gw-action ${className}`.trim(), text, act, { title, "aria-label": title });

function render({ model, el }) {
  const words = model.get("words");
  const send = (content) => model.send(content);
  const labels = new Map(model.get("panels"));
  const ending = new AbortController();
  const { signal } = ending;
  const root = () => el.closest(".gw-root");

  // --- sizes ---------------------------------------------------------------------------------

  const part = (name) => root()?.querySelector(`.gw-part-${name}`);
  const size = () => {
    const sizes = model.get("sizes");
    for (const [name] of model.get("panels")) {
      const element = part(name);
      if (!element) continue;
      const [width, height] = sizes[name] ?? [0, 0];
      element.style.width = element.style.height = "";
      element.classList.toggle("gw-sized", width > 0);
      element.style.setProperty("--gw-part-width", `${width}px`);
      element.style.setProperty("--gw-part-height", `${height}px`);
    }
  };
  // The panels' views may come after this one, and again when the order changes.
  let waiting = 0;
  const later = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(size);
  };
  const watch = new MutationObserver(later);
  // Dragging a corner stores the size in the element's style.
  window.addEventListener(
    "pointerup",
    () => {
      if (!root()?.classList.contains("gw-arranging")) return;
      for (const [name] of model.get("panels")) {
        const element = part(name);
        if (element?.style.width || element?.style.height) {
          send({ size: [name, element.offsetWidth, element.offsetHeight] });
        }
      }
    },
    { signal },
  );

  // --- the list of panels ----------------------------------------------------------------------

  const list = make(null, "div", "gw-layout-list", { hidden: "" });
  const rows = () => {
    const shown = model.get("shown");
    const names = [...shown, ...[...labels.keys()].filter((name) => !shown.includes(name))];
    const show = (chosen) => send({ show: chosen });
    const swap = (name, by) => {
      const order = [...shown];
      const at = order.indexOf(name);
      [order[at], order[at + by]] = [order[at + by], order[at]];
      show(order);
    };
    const scale = (name, by) => {
      const element = part(name);
      if (element) send({ size: [name, Math.round(element.offsetWidth * by), Math.round(element.offsetHeight * by)] });
    };
    const table = make(null, "ul");
    for (const name of names.filter((each) => labels.has(each))) {
      const label = labels.get(name);
      const row = make(table, "li", "", { "data-name": name });
      const text = make(row, "label");
      const box = make(text, "input", "", { type: "checkbox" });
      text.append(label);
      box.checked = shown.includes(name);
      box.addEventListener("change", () => show(box.checked ? [...shown, name] : shown.filter((each) => each !== name)));
      if (box.checked) {
        row.draggable = true;
        const at = shown.indexOf(name);
        const tool = (sign, title, act) => button(row, sign, fill(title, { panel: label }), act);
        tool("\u2191", words.up, () => swap(name, -1)).disabled = at === 0;
        tool("\u2193", words.down, () => swap(name, 1)).disabled = at === shown.length - 1;
        tool("+", words.larger, () => scale(name, 1.15));
        tool("\u2212", words.smaller, () => scale(name, 1 / 1.15));
        tool("\u21ba", words.own, () => send({ size: [name, 0, 0] }));
        row.addEventListener("dragstart", () => row.classList.add("gw-dragged"));
        row.addEventListener("dragend", () => row.classList.remove("gw-dragged"));
        row.addEventListener("dragover", (event) => event.preventDefault());
        row.addEventListener("drop", (event) => {
          event.preventDefault();
          const moved = table.querySelector(".gw-dragged")?.dataset.name;
          if (!moved || moved === name) return;
          const order = shown.filter((each) => each !== moved);
          order.splice(shown.indexOf(name), 0, moved);
          show(order);
        });
      }
    }
    const hint = make(null, "p", "", {}, words.drag);
    const presets = make(null, "div", "gw-layout-row");
    for (const name of model.get("presets")) button(presets, words[name], words[name], () => send({ preset: name }));
    const keeping = make(null, "div", "gw-layout-row");
    for (const name of ["keep", "forget"]) button(keeping, words[name], words[name], () => send({ [name]: true }));
    const message = make(null, "p", "", { role: "status" }, model.get("message"));
    const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    list.replaceChildren(presets, hint, table, keeping, message);
    if (focused) [...list.querySelectorAll("button")].find((each) => each.getAttribute("aria-label") === focused)?.focus();
  };
  const open = (wanted) => {
    list.hidden = !wanted;
    root()?.classList.toggle("gw-arranging", wanted);
    arrange.setAttribute("aria-expanded", String(wanted));
    if (wanted) rows();
  };
  const arrangeName = `${words.arrange}. ${words.arrange_help}`;
  const arrange = button(null, "", arrangeName, () => open(list.hidden), "gw-icon gw-arrange");
  arrange.setAttribute("aria-expanded", "false");
  list.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    open(false);
    arrange.focus();
  });

  // --- the presentation --------------------------------------------------------------------------

  let presented = false;
  const presenting = () => root() !== null && document.fullscreenElement === root();
  const present = () => (presenting() ? document.exitFullscreen() : root()?.requestFullscreen());
  const start = button(null, "", `${words.present}. ${words.present_help}`, present, "gw-icon gw-present");
  document.addEventListener(
    "fullscreenchange",
    () => {
      if (presenting() === presented) return;
      presented = presenting();
      send({ present: presented });
      if (presented) document.activeElement?.blur?.();
    },
    { signal },
  );
  window.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || occupied(event) || turnsPages(event, root())) return;
      const inside = presenting() || root()?.contains(event.target);
      if (event.key === "f" && inside) present();
      else if (presenting() && KEYS[event.key]) {
        if (!event.repeat || KEYS[event.key] !== "toggle") send({ key: KEYS[event.key] });
      } else return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    { capture: true, signal },
  );

  // --- in a corner of the page -------------------------------------------------------------------

  const keeping = keepInView(root, words, (kept) => {
    const title = kept ? words.put_back : `${words.keep_in_view}. ${words.keep_in_view_help}`;
    pin.title = title;
    pin.setAttribute("aria-label", title);
    pin.setAttribute("aria-pressed", String(kept));
    pin.focus();
  });
  const pin = button(null, "", `${words.keep_in_view}. ${words.keep_in_view_help}`, keeping.toggle, "gw-icon gw-keep-in-view");
  pin.setAttribute("aria-pressed", "false");

  if (labels.size) el.append(arrange);
  el.append(start, pin, list);
  const changed = () => {
    if (!list.hidden) rows();
    later();
    setTimeout(later, 300); // views of panels that were hidden come later
  };
  const unlisten = listen(model, { "change:shown": changed, "change:message": changed, "change:sizes": changed });
  requestAnimationFrame(() => {
    const found = root();
    if (!found) return;
    watch.observe(found, { childList: true });
    for (const box of found.querySelectorAll(".gw-main, .gw-charts")) watch.observe(box, { childList: true });
    size();
  });
  return () => {
    ending.abort();
    keeping.end();
    watch.disconnect();
    cancelAnimationFrame(waiting);
    unlisten();
  };
}

export default { render };
