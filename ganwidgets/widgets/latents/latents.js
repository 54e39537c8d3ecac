// Shows the pictures of a LatentView, and sends where the pointer drags the image. The messages are described in view.py.

import { make, makeButton } from "../browser/shared/elements.js";
import { ARROWS, taken } from "../browser/shared/keys.js";
import { listen } from "../browser/shared/messages.js";

const MODES = ["pan", "move", "turn"];
const KEY_STEP = 0.1;
const KEY_DEGREES = 5;
const SENSITIVITY = { pan: 2, move: 1 };

function render({ model, el }) {
  const words = model.get("words");
  const root = make(el, "div", "gw-latents");
  const row = make(root, "div", "gw-latents-modes");
  const line = make(root, "div", "gw-latents-state", { role: "status" });
  const bar = make(make(root, "div", "gw-latents-progress"), "div", "gw-latents-done");
  const pictures = make(root, "div", "gw-latents-pictures");
  let mode = "pan";
  const buttons = MODES.map((name) =>
    makeButton(row, `gw-latents-mode gw-latents-${name}`, words[name], () => choose(name)),
  );
  const choose = (name) => {
    mode = name;
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(MODES[i] === name)));
  };
  choose("pan");

  const frames = new Map();
  const send = (dx, dy, done) => model.send({ drag: [dx, dy], how: mode, done });

  /** Move `image` with the pointer and the arrow keys. */
  const movable = (image) => {
    let last = null;
    let waiting = null;
    const flush = () => {
      if (!waiting) return;
      const [dx, dy] = waiting;
      waiting = null;
      send(dx, dy, false);
    };
    const moved = (event) => {
      const box = image.getBoundingClientRect();
      let step;
      if (mode === "turn") {
        const angle = (x, y) => Math.atan2(y - box.top - box.height / 2, x - box.left - box.width / 2);
        let turn = ((angle(...last) - angle(event.clientX, event.clientY)) * 180) / Math.PI;
        if (turn > 180) turn -= 360;
        if (turn < -180) turn += 360;
        step = [turn, 0];
      } else {
        const factor = SENSITIVITY[mode];
        step = [((event.clientX - last[0]) / box.width) * factor, ((event.clientY - last[1]) / box.height) * factor];
      }
      last = [event.clientX, event.clientY];
      if (!waiting) requestAnimationFrame(flush);
      waiting = [step[0] + (waiting?.[0] ?? 0), step[1] + (waiting?.[1] ?? 0)];
    };
    image.tabIndex = 0;
    image.draggable = false;
    image.title = words.hint;
    image.addEventListener("pointerdown", (event) => {
      last = [event.clientX, event.clientY];
      image.setPointerCapture(event.pointerId);
      event.preventDefault();
      image.focus();
    });
    image.addEventListener("pointermove", (event) => last && moved(event));
    const released = () => {
      if (!last) return;
      last = null;
      flush();
      send(0, 0, true);
    };
    image.addEventListener("pointerup", released);
    image.addEventListener("pointercancel", released);
    image.addEventListener("keydown", (event) => {
      const direction = ARROWS[event.key];
      if (!direction) return;
      taken(event);
      const [across, up] = direction;
      if (mode === "turn") send((up - across) * KEY_DEGREES, 0, true);
      else send(across * KEY_STEP, -up * KEY_STEP, true);
    });
  };

  const show = () => {
    const found = model.get("pictures");
    for (const [name, { png, caption, alt, coarse }] of Object.entries(found)) {
      if (!frames.has(name)) {
        const figure = make(pictures, "figure", `gw-latents-picture gw-latents-${name}`);
        const image = make(figure, "img", "");
        frames.set(name, { figure, image, caption: make(figure, "figcaption", "") });
        if (name === "image") movable(image);
      }
      const frame = frames.get(name);
      const url = URL.createObjectURL(new Blob([png], { type: "image/png" }));
      frame.image.onload = () => URL.revokeObjectURL(url);
      frame.image.src = url;
      frame.image.alt = alt;
      frame.figure.classList.toggle("gw-latents-coarse", coarse);
      frame.caption.textContent = caption;
    }
    for (const [name, frame] of frames) {
      if (!(name in found)) {
        frame.figure.remove();
        frames.delete(name);
      }
    }
  };
  const showState = () => {
    const { text, share } = model.get("state");
    line.textContent = text;
    bar.style.width = `${Math.round(share * 100)}%`;
    bar.parentElement.classList.toggle("gw-latents-busy", share < 1);
  };
  const unlisten = listen(model, { "change:pictures": show, "change:state": showState });
  show();
  showState();
  return unlisten;
}

export default { render };
