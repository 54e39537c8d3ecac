// Selecting cells of a sweep's grid by a rectangle that is dragged over them.

/** Pixels that a pointer moves before a click becomes a drag. */
const DRAG = 6;

/**
 * Let a pointer drag a rectangle over `board`. `within(box)` is called with it as it grows, `done()` at its end.
 *
 * @returns a function that is true while a drag goes on, and for the click that ends it
 */
export function dragRectangle(board, band, possible, within, done) {
  let from = null;
  let dragged = false;
  board.addEventListener("pointerdown", (event) => {
    if (!possible() || event.button !== 0) return;
    from = [event.clientX, event.clientY];
    dragged = false;
  });
  board.addEventListener("pointermove", (event) => {
    if (!from || Math.hypot(event.clientX - from[0], event.clientY - from[1]) < DRAG) return;
    dragged = true;
    board.setPointerCapture(event.pointerId);
    const place = board.getBoundingClientRect();
    const [left, right] = [from[0], event.clientX].sort((a, b) => a - b);
    const [top, bottom] = [from[1], event.clientY].sort((a, b) => a - b);
    Object.assign(band.style, {
      display: "block",
      left: `${left - place.left}px`,
      top: `${top - place.top}px`,
      width: `${right - left}px`,
      height: `${bottom - top}px`,
    });
    within({ left, right, top, bottom });
  });
  const release = () => {
    from = null;
    band.style.display = "none";
    if (dragged) done();
    setTimeout(() => (dragged = false));
  };
  board.addEventListener("pointerup", release);
  board.addEventListener("pointercancel", release);
  return () => dragged;
}
