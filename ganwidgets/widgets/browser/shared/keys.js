// Keys of the keyboard.

/** The direction of each arrow key: to the right, and upwards. */
export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** Keep a key event from the notebook, the browser and the parent elements. */
export function taken(event) {
  event.preventDefault();
  event.stopPropagation();
}
