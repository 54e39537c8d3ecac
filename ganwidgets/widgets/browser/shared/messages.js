// What several widgets need: reading a message's buffers, and telling each other of pictures. Read before the script
// of a widget that needs it.

const TYPES = { f4: Float32Array, u1: Uint8Array, i1: Int8Array };

/** Return the arrays of a message's buffers by name, each with its shape. */
function unpack(parts, buffers) {
  return Object.fromEntries(
    parts.map(([name, type, shape], index) => {
      const view = buffers[index];
      const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      // Numbers are copied, since a buffer may begin anywhere and they must be aligned; single bytes always are.
      const array = type === "u1" ? bytes : new TYPES[type](bytes.slice().buffer);
      array.shape = shape;
      return [name, array];
    }),
  );
}

/** The event by which a view says that it draws a picture: what moves beside it can move in the same animation frame. */
const PICTURE = "gw-picture";

/** Say that the view in an element draws a picture. */
function announcePicture(el) {
  el.dispatchEvent(new CustomEvent(PICTURE, { bubbles: true }));
}
