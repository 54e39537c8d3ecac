// Tools that arrange the panels of one widget, and its presentation; the protocol is in layout_tools.py.

/** What a key asks for in the presentation. Clickers send Page Up, Page Down, and "." or "b" for a blank screen. */
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

/** True if a key belongs to what has the focus: a field, a list, a slider, or a button that space presses. */
function taken(event) {
  const target = event.composedPath()[0];
  if (!(target instanceof Element)) return false;
  if (target.closest("textarea, select, [contenteditable=true], input:not([type=checkbox], [type=radio], [type=button])")) return true;
  if (event.key.startsWith("Arrow") && target.closest("[role=slider]")) return true;
  return event.key === " " && Boolean(target.closest("button, input, summary, a"));
}

function button(text, title, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "gw-action";
  made.textContent = text;
  made.title = title;
  made.setAttribute("aria-label", title);
  made.addEventListener("click", act);
  return made;
}

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
  // A corner that was dragged leaves its size in the element's style.
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

  const list = document.createElement("div");
  list.className = "gw-layout-list";
  list.hidden = true;
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
    const table = document.createElement("ul");
    for (const name of names.filter((each) => labels.has(each))) {
      const label = labels.get(name);
      const said = (text) => text.replace("{panel}", label);
      const row = document.createElement("li");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = shown.includes(name);
      box.addEventListener("change", () => show(box.checked ? [...shown, name] : shown.filter((each) => each !== name)));
      const text = document.createElement("label");
      text.append(box, label);
      row.dataset.name = name;
      row.append(text);
      if (box.checked) {
        row.draggable = true;
        const at = shown.indexOf(name);
        const up = button("\u2191", said(words.up), () => swap(name, -1));
        const down = button("\u2193", said(words.down), () => swap(name, 1));
        up.disabled = at === 0;
        down.disabled = at === shown.length - 1;
        row.append(
          up,
          down,
          button("+", said(words.larger), () => scale(name, 1.15)),
          button("\u2212", said(words.smaller), () => scale(name, 1 / 1.15)),
          button("\u21ba", said(words.own), () => send({ size: [name, 0, 0] })),
        );
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
      table.append(row);
    }
    const hint = document.createElement("p");
    hint.textContent = words.drag;
    const presets = document.createElement("div");
    presets.className = "gw-layout-row";
    presets.append(...model.get("presets").map((name) => button(words[name], words[name], () => send({ preset: name }))));
    const keeping = document.createElement("div");
    keeping.className = "gw-layout-row";
    keeping.append(
      button(words.keep, words.keep, () => send({ keep: true })),
      button(words.forget, words.forget, () => send({ forget: true })),
    );
    const told = document.createElement("p");
    told.setAttribute("role", "status");
    told.textContent = model.get("said");
    const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    list.replaceChildren(presets, hint, table, keeping, told);
    if (focused) [...list.querySelectorAll("button")].find((each) => each.getAttribute("aria-label") === focused)?.focus();
  };
  const open = (wanted) => {
    list.hidden = !wanted;
    root()?.classList.toggle("gw-arranging", wanted);
    arrange.setAttribute("aria-expanded", String(wanted));
    if (wanted) rows();
  };
  const arrange = button("", `${words.arrange}. ${words.arrange_help}`, () => open(list.hidden));
  arrange.classList.add("gw-icon", "gw-arrange");
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
  const start = button("", `${words.present}. ${words.present_help}`, present);
  start.classList.add("gw-icon", "gw-present");
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
      if (event.ctrlKey || event.metaKey || event.altKey || taken(event)) return;
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

  if (labels.size) el.append(arrange);
  el.append(start, list);
  const changed = () => {
    if (!list.hidden) rows();
    later();
    setTimeout(later, 300); // views of panels that were hidden come later
  };
  for (const trait of ["shown", "said", "sizes"]) model.on(`change:${trait}`, changed);
  requestAnimationFrame(() => {
    const found = root();
    if (!found) return;
    watch.observe(found, { childList: true });
    for (const box of found.querySelectorAll(".gw-main, .gw-charts")) watch.observe(box, { childList: true });
    size();
  });
  return () => {
    ending.abort();
    watch.disconnect();
    cancelAnimationFrame(waiting);
    for (const trait of ["shown", "said", "sizes"]) model.off(`change:${trait}`, changed);
  };
}

export default { render };
