// The controls of one chart. The messages are described in chart_tools.py.

import { make, makeButton } from "../../browser/shared/elements.js";
import { ifConnected, listen } from "../../browser/shared/messages.js";

function render({ model, el }) {
  const words = model.get("words");
  const send = (content) => ifConnected(() => model.send(content));
  const log = makeButton(
    el,
    "gw-action gw-chart-log",
    words.log,
    () => send({ scale: model.get("scale") === "log" ? "linear" : "log" }),
    { title: words.log_help, "aria-label": words.log_help },
  );
  const menu = make(el, "details", "gw-chart-menu");
  const summary = make(menu, "summary", "gw-action", { title: words.curves_help }, words.curves);
  const list = make(menu, "ul");

  const showScale = () => log.setAttribute("aria-pressed", String(model.get("scale") === "log"));
  const showCurves = () => {
    const shown = model.get("shown");
    const focused = list.contains(document.activeElement) ? document.activeElement.value : null;
    const rows = model.get("offered").map(([name, label]) => {
      const row = make(null, "li");
      const text = make(row, "label");
      const box = make(text, "input", "", { type: "checkbox", value: name });
      text.append(label);
      box.checked = shown.includes(name);
      box.disabled = !box.checked && shown.length >= model.get("most");
      box.addEventListener("change", () => {
        const others = model.get("shown").filter((each) => each !== name);
        send({ curves: box.checked ? [...others, name] : others });
      });
      return row;
    });
    const last = make(null, "li");
    makeButton(last, "gw-action", words.own, () => send({ curves: [] }));
    list.replaceChildren(...rows, last);
    if (focused !== null) list.querySelector(`input[value="${CSS.escape(focused)}"]`)?.focus();
  };
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    summary.focus();
  });
  const closing = new AbortController();
  document.addEventListener(
    "pointerdown",
    (event) => {
      if (!event.composedPath().includes(menu)) menu.open = false;
    },
    { signal: closing.signal },
  );
  showScale();
  showCurves();
  const unlisten = listen(model, { "change:scale": showScale, "change:shown": showCurves, "change:offered": showCurves });
  return () => {
    closing.abort();
    unlisten();
  };
}

export default { render };
