// Messages between a view and its model, and between the views of one page.

const TYPES = { f4: Float32Array, u1: Uint8Array, i1: Int8Array };

/** Return the numbers of a buffer; `type` is a key of `TYPES`. */
export function arrayOf(type, view) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  // Numbers are copied, since a buffer may begin anywhere and they must be aligned; single bytes always are.
  return type === "u1" ? bytes : new TYPES[type](bytes.slice().buffer);
}

/** Return the arrays of a message's buffers by name, each with its shape. */
export function unpack(parts, buffers) {
  return Object.fromEntries(
    parts.map(([name, type, shape], index) => [name, Object.assign(arrayOf(type, buffers[index]), { shape })]),
  );
}

/** Return the arrays of a new frame by name: those that it brings, and those of `parts` that it keeps. */
export function renewed(parts, frame, buffers) {
  const kept = Object.entries(parts).filter(([name]) => frame.keep.includes(name));
  return { ...Object.fromEntries(kept), ...unpack(frame.parts, buffers) };
}

/** Call a function that sends something to the kernel. Do nothing if the kernel is gone. */
export function ifConnected(act) {
  try {
    act();
  } catch (error) {
    if (!/cannot send/i.test(String(error))) throw error;
  }
}

/** Register functions for the model's events, given as `{ event: function }`; return a function that removes them. */
export function listen(model, handlers) {
  for (const [event, act] of Object.entries(handlers)) model.on(event, act);
  return () => {
    for (const [event, act] of Object.entries(handlers)) model.off(event, act);
  };
}

/** Event of a view that draws a picture, so that another view can move in the same animation frame. */
export const PICTURE = "gw-picture";

/** Dispatch the event that the view in an element draws a picture. */
export function announcePicture(el) {
  el.dispatchEvent(new CustomEvent(PICTURE, { bubbles: true }));
}
