// Pointers, the wheel and keys on the plane.

import { ARROWS, taken } from "../../browser/shared/keys.js";
import { clamp } from "../../browser/shared/numbers.js";

/** Radius in pixels for selecting a sample, by the type of the pointer. */
const REACH = { mouse: 12, pen: 16, touch: 24 };

/** Maximum movement of a click in pixels. */
const CLICK = 3;

/** Zoom factor of one key press or button click. */
export const ZOOM = 1.5;

const reachOf = (event) => REACH[event.pointerType] ?? REACH.mouse;

/**
 * Call the functions in `acts` for the user's gestures on the canvas.
 *
 * `boxOf()` is the square of the plane on it. `acts` are `hover(x, y, reach)`, `choose(x, y, reach)`, `leave()`,
 * `walk(across, down)`, `forget()`, `home()`, and in shares of the square's sides `drag(across, up)`, `pan(across, up)` and
 * `zoom(factor, across, up)`. `zoom` returns whether it changed anything.
 */
export function takeGestures(canvas, boxOf, acts) {
  const placeOf = (event) => {
    const rect = canvas.getBoundingClientRect();
    return [event.clientX - rect.left, event.clientY - rect.top];
  };
  const shares = ([x, y]) => {
    const { left, top, side } = boxOf();
    return [(x - left) / side, 1 - (y - top) / side];
  };

  const held = new Map(); // pointers that are down: where they were last
  let travelled = 0;
  let armed = false; // whether the wheel is the plane's, not the page's

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    if (held.size === 0) travelled = 0;
    held.set(event.pointerId, placeOf(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    const now = placeOf(event);
    const before = held.get(event.pointerId);
    if (event.movementX || event.movementY) armed = true;
    if (!before) {
      if (!event.movementX && !event.movementY) return; // the page moved, not the pointer
      acts.hover(...now, reachOf(event));
      return;
    }
    travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (held.size === 2) {
      const [one, other] = [...held.values()];
      const apart = Math.hypot(one[0] - other[0], one[1] - other[1]);
      held.set(event.pointerId, now);
      const [a, b] = [...held.values()];
      const middle = shares([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]);
      acts.zoom(Math.hypot(a[0] - b[0], a[1] - b[1]) / Math.max(apart, 1), ...middle);
    } else if (held.size === 1 && travelled > CLICK) {
      const { side } = boxOf();
      acts.drag((before[0] - now[0]) / side, (now[1] - before[1]) / side);
      canvas.classList.add("gw-panning");
      held.set(event.pointerId, now);
    }
  });
  const release = (event) => {
    const begun = held.get(event.pointerId);
    held.delete(event.pointerId);
    canvas.classList.remove("gw-panning");
    if (begun && travelled <= CLICK && event.type === "pointerup") {
      canvas.focus({ preventScroll: true });
      acts.choose(...placeOf(event), reachOf(event));
    }
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => {
    armed = false;
    acts.leave();
  });
  canvas.addEventListener("dblclick", acts.home);
  canvas.addEventListener(
    "wheel",
    (event) => {
      // If the page is scrolling below the pointer, let it scroll.
      if (!armed && !event.ctrlKey && document.activeElement !== canvas) return;
      const lines = event.deltaMode === 1 ? 16 : 1;
      const factor = Math.exp(-clamp(event.deltaY * lines, -240, 240) * (event.ctrlKey ? 0.01 : 0.002));
      if (acts.zoom(factor, ...shares(placeOf(event)))) event.preventDefault();
    },
    { passive: false },
  );
  canvas.addEventListener("keydown", (event) => {
    const direction = ARROWS[event.key];
    if (event.altKey || event.metaKey || event.ctrlKey) return;
    if (direction && event.shiftKey) acts.pan(0.1 * direction[0], 0.1 * direction[1]);
    else if (direction) acts.walk(direction[0], -direction[1]);
    else if (event.key === "+" || event.key === "=") acts.zoom(ZOOM);
    else if (event.key === "-") acts.zoom(1 / ZOOM);
    else if (event.key === "0" || event.key === "Home") acts.home();
    else if (event.key === "Escape") acts.forget();
    else return;
    taken(event);
  });
}
