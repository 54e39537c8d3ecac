// What a message's buffers hold. Read before the script of a widget that is sent arrays.

const TYPES = { f4: Float32Array, u1: Uint8Array, i1: Int8Array };

/** Return the arrays of a message's buffers by name, each with its shape. */
function unpack(parts, buffers) {
  return Object.fromEntries(
    parts.map(([name, type, shape], index) => {
      const view = buffers[index];
      // A copy, since a buffer may begin anywhere and the arrays must be aligned.
      const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
      const array = new TYPES[type](bytes.buffer);
      array.shape = shape;
      return [name, array];
    }),
  );
}
