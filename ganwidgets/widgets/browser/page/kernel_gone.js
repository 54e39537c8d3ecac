// Shows a note if the kernel is gone.

import { make } from "../shared/elements.js";

/** Kernel states that end its widgets. */
const ENDED = ["restarting", "autorestarting", "terminating", "dead"];

/** Freeze the widget below `root` and show a note once its kernel is gone. Return a function that stops watching. */
export function followKernel(model, root) {
  let late = null;
  const gone = () => {
    if (root.classList.contains("gw-gone")) return;
    root.classList.add("gw-gone");
    const words = model.get("words");
    for (const child of root.children) child.inert = true;
    // The question of a lesson is beside its run, and has no heartbeat.
    for (const lesson of root.parentElement?.querySelectorAll(":scope > .gw-lesson") ?? []) lesson.inert = true;
    // A message already in transit may still draw the previous state.
    const say = () => {
      for (const state of root.querySelectorAll(".gw-state")) {
        if (state.textContent === words.state) continue;
        state.textContent = words.state;
        state.className = "gw-state gw-state-error";
      }
    };
    say();
    late = new MutationObserver(say);
    late.observe(root, { childList: true, subtree: true });
    const notice = make(null, "div", "gw-trouble-box gw-gone-notice", { role: "alert" });
    make(notice, "strong", "", {}, words.gone);
    make(notice, "p", "", {}, words.remedy);
    root.prepend(notice);
  };
  const onStatus = (_sender, status) => {
    if (ENDED.includes(status)) gone();
  };
  const onKernel = (_sender, { oldValue, newValue }) => {
    if (oldValue && oldValue.id !== newValue?.id) gone();
  };
  // JupyterLab's and Notebook's manager knows the notebook's session, others know a kernel at most.
  const { context, kernel } = model.widget_manager ?? {};
  const session = context?.sessionContext;
  const status = (session ?? kernel)?.statusChanged;
  status?.connect?.(onStatus);
  session?.kernelChanged?.connect?.(onKernel);
  // Every front end built on Jupyter's widget manager marks views whose model lost its comm.
  const look = () => {
    if (root.classList.contains("jupyter-widgets-disconnected")) gone();
  };
  const observer = new MutationObserver(look);
  observer.observe(root, { attributes: true, attributeFilter: ["class"] });
  look();
  return () => {
    status?.disconnect?.(onStatus);
    session?.kernelChanged?.disconnect?.(onKernel);
    observer.disconnect();
    late?.disconnect();
  };
}
