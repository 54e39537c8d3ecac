// Answers for one view of a GANTrainerWidget. The messages are described in heartbeat.py.

import { ifConnected } from "../shared/messages.js";
import { followClicks, foreseePlayAndPause, offerWhatIf } from "./clicks.js";
import { followKernel } from "./kernel_gone.js";
import { nameElements, speakValues } from "./names.js";

/** Ask for one call after the browser has drawn everything sent so far. */
const afterDrawing = (call) => requestAnimationFrame(() => requestAnimationFrame(call));

/** Send a message to the kernel, unless that is gone. */
const send = (model, content) => ifConnected(() => model.send(content));

/** The widget that this heartbeat belongs to. */
const rootOf = (el) => el.closest(".gw-root") ?? el.parentElement;

/** Report this view to the kernel as open until it is removed or its page is closed. */
function hold(model, view) {
  const open = () => send(model, { open: view });
  const close = () => send(model, { closed: view });
  window.addEventListener("pageshow", open);
  window.addEventListener("pagehide", close);
  open();
  return () => {
    window.removeEventListener("pageshow", open);
    window.removeEventListener("pagehide", close);
    close();
  };
}

/** Hide the stored picture beside this view, which shows an earlier state. */
function cover(model, el) {
  const name = model.get("stored");
  if (!name) return;
  const style = document.createElement("style");
  const rule = "{ display: none !important; }";
  style.textContent = `.${name} ${rule} .jp-OutputArea-child:has(.${name}) ${rule}`;
  el.append(style);
}

/** Report to the kernel which frames this view has drawn, and whether it is visible. */
function answer(model, root, view) {
  let onScreen = true;
  let seen = null;

  const report = () => {
    const visible = onScreen && document.visibilityState === "visible";
    if (visible === seen) return;
    seen = visible;
    send(model, visible ? { hello: view } : { bye: view });
  };
  const onMessage = ({ seq }) => {
    if (seq !== undefined) afterDrawing(() => send(model, { ack: seq, view }));
  };
  // Use the latest entry: a quick scroll reports several at once.
  const observer = new IntersectionObserver((entries) => {
    onScreen = entries.at(-1).isIntersecting;
    report();
  });

  model.on("msg:custom", onMessage);
  document.addEventListener("visibilitychange", report);
  report();
  if (root) observer.observe(root);

  return () => {
    model.off("msg:custom", onMessage);
    document.removeEventListener("visibilitychange", report);
    observer.disconnect();
    if (seen) send(model, { bye: view });
  };
}

export default {
  render({ model, el }) {
    const view = Math.random().toString(36).slice(2);
    const endings = [hold(model, view)];
    let removed = false;
    cover(model, el);
    // The element joins the page only after this function has returned.
    requestAnimationFrame(() => {
      if (removed) return;
      const root = rootOf(el);
      endings.push(answer(model, root, view));
      if (!root) return;
      endings.push(
        followKernel(model, root),
        nameElements(model, root),
        speakValues(model, root),
        followClicks((content) => send(model, content), root),
        foreseePlayAndPause(root),
      );
      if (model.get("words").what_if) endings.push(offerWhatIf(model, root));
    });
    return () => {
      removed = true;
      for (const end of endings) end();
    };
  },
};
