// Effects of clicks in addition to the messages of ipywidgets.

import { makeButton } from "../shared/elements.js";

/** Send clicks on the losses' chart and on elements with `data-gw-go` to the kernel; copy the text of `data-gw-copy`. */
export function followClicks(send, root) {
  const onClick = (event) => {
    const copied = event.target.closest("[data-gw-copy]");
    // If the page has no access to the clipboard, the user can select the line beside the button.
    if (copied) navigator.clipboard?.writeText(copied.dataset.gwCopy).then(() => copied.classList.add("gw-copied"));
    const target = event.target.closest("[data-gw-go]");
    if (target) send({ go: target.dataset.gwGo });
    const plot = event.target.closest(".gw-curves .gw-chart")?.querySelector(".plotarea_background");
    if (plot) {
      const { left, width } = plot.getBoundingClientRect();
      const across = (event.clientX - left) / width;
      if (across >= 0 && across <= 1) send({ go: `explain:${across}` });
    }
  };
  root.addEventListener("click", onClick);
  return () => root.removeEventListener("click", onClick);
}

/** Buttons to enable after a click, before the kernel answers. Otherwise a quick second click would be lost. */
const NEXT = { "gw-play": "gw-pause", "gw-pause": "gw-play" };

/** Enable Pause at a click on Play, and the other way round; the kernel disables it again if it must. */
export function foreseePlayAndPause(root) {
  const onClick = ({ target }) => {
    const clicked = target.closest("button");
    for (const [one, other] of Object.entries(NEXT)) {
      if (!clicked?.classList.contains(one)) continue;
      for (const button of root.querySelectorAll(`button.${other}`)) button.disabled = false;
    }
  };
  root.addEventListener("click", onClick);
  return () => root.removeEventListener("click", onClick);
}

/** Put a button beside each setting that can be tried on a copy of the run. */
export function offerWhatIf(model, root) {
  const apply = () => {
    for (const control of root.querySelectorAll(".gw-asks")) {
      if (control.querySelector(":scope > .gw-what_if-ask")) continue;
      const name = [...control.classList].find((each) => each.startsWith("gw-") && !/^gw-(asks|control|kind-|idle|hidden)/.test(each));
      const title = model.get("words").what_if;
      const show = () => root.querySelector(".gw-what_if")?.scrollIntoView({ block: "nearest" });
      makeButton(control, "gw-what_if-ask", "?", show, {
        title,
        "aria-label": `${title} ${model.get("names")[name]?.[0] ?? ""}`,
        "data-gw-go": `what_if:${name.slice(3)}`,
      });
    }
  };
  const observer = new MutationObserver(apply);
  observer.observe(root, { childList: true, subtree: true });
  apply();
  return () => observer.disconnect();
}
