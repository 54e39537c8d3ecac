// Names and tooltips of elements for which ipywidgets has no trait.

import { listen } from "../shared/messages.js";

/** Elements that handle keys themselves. */
const KEYED = "[role=slider], [role=tab], select, input, button";

/** Elements that may need a name when they are added; lines of text change often and need none. */
const NAMEABLE = `${KEYED}, canvas, img, .jupyter-widgets`;

/** Set the names and tooltips of the model on the elements below `root`. Return a function that stops this. */
export function nameElements(model, root) {
  const apply = () => {
    for (const element of root.querySelectorAll(KEYED)) {
      // Otherwise shortcuts of the notebook would take the arrow keys from sliders and lists.
      element.setAttribute("data-lm-suppress-shortcuts", "true");
    }
    for (const [cssClass, [label, help]] of Object.entries(model.get("names"))) {
      for (const element of root.getElementsByClassName(cssClass)) {
        if (help) element.title = help;
        for (const handle of element.querySelectorAll("[role=slider]")) {
          handle.setAttribute("aria-label", label);
        }
        const canvas = element.matches("canvas");
        if (element.matches("img")) element.alt = label;
        const group = element.classList.contains("gw-card");
        if (canvas || group) {
          element.setAttribute("role", canvas ? "img" : "group");
          element.setAttribute("aria-label", label);
        }
        // ipycanvas handles every key, so keyboard users could not leave a canvas.
        if (canvas) element.removeAttribute("tabindex");
        for (const input of element.querySelectorAll("input[type=text], input[type=number]")) {
          const described = [...(input.labels ?? [])].some((each) => each.textContent.trim());
          if (!described) input.setAttribute("aria-label", label);
        }
        // The browser repeats a checkbox's own label as its tooltip; the help says more.
        for (const input of element.querySelectorAll("input[type=checkbox], .widget-checkbox span")) {
          input.title = help;
        }
      }
    }
  };
  let waiting = false;
  const observer = new MutationObserver((mutations) => {
    const added = mutations.flatMap((each) => [...each.addedNodes]).filter((node) => node instanceof HTMLElement);
    if (waiting || !added.some((node) => node.matches(NAMEABLE) || node.querySelector(NAMEABLE))) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      apply();
    });
  });
  observer.observe(root, { childList: true, subtree: true });
  const unlisten = listen(model, { "change:names": apply });
  apply();
  return () => {
    observer.disconnect();
    unlisten();
  };
}

/** Announce a slider's value to screen readers in place of noUiSlider's handle position. */
export function speakValues(model, root) {
  const say = (handle) => {
    for (const [cssClass, words] of Object.entries(model.get("places"))) {
      if (!handle.closest("." + cssClass)) continue;
      const word = words[Math.round(Number(handle.getAttribute("aria-valuenow")))];
      if (word !== undefined && handle.getAttribute("aria-valuetext") !== word) {
        handle.setAttribute("aria-valuetext", word);
      }
    }
  };
  const sayAll = () => root.querySelectorAll(".gw-slider [role=slider]").forEach(say);
  const observer = new MutationObserver((mutations) => new Set(mutations.map((each) => each.target)).forEach(say));
  observer.observe(root, { attributes: true, attributeFilter: ["aria-valuetext"], subtree: true });
  sayAll();
  return () => observer.disconnect();
}
