// Canvases: their sizes, pixels and colours.

/** Give a canvas a size in device pixels. It is cleared only if the size changes. */
export function resize(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

/** Return the pen of a canvas, cleared and fitted to its place. One unit is a pixel of the page. */
export function fittedPen(canvas) {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  resize(canvas, Math.round(width * ratio), Math.round(height * ratio));
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

/** Copy pixels, uint8 with 1 or 3 channels, from place `start` on into `rgba` until that is full. */
export function copyPixels(bytes, start, channels, rgba) {
  const [green, blue] = channels === 3 ? [1, 2] : [0, 0];
  for (let from = start, to = 0; to < rgba.length; from += channels, to += 4) {
    rgba[to] = bytes[from];
    rgba[to + 1] = bytes[from + green];
    rgba[to + 2] = bytes[from + blue];
    rgba[to + 3] = 255;
  }
}

/** Return image `index` of uint8 [n, height, width, channels], n images one after the other. */
export function imageAt(bytes, index, [height, width, channels]) {
  const image = new ImageData(width, height);
  copyPixels(bytes, index * height * width * channels, channels, image.data);
  return image;
}

/** Return the colours `--gw-NAME` in force at an element, by name. */
export function colorsOf(el, names) {
  const styles = getComputedStyle(el);
  return Object.fromEntries(
    names.map((name) => [name, styles.getPropertyValue(`--gw-${name}`).trim() || "#212121"]),
  );
}

const TRIES = 20;

/**
 * Return a function that schedules `draw` before the next repaint; several calls before it draw once.
 *
 * JupyterLab hides everything for a moment when its theme changes. Then a canvas in `place` has no size and would be
 * emptied, so the drawing waits, at most a second. A ResizeObserver notices a longer absence.
 */
export function drawsOnce(draw, place = null) {
  let waiting = 0;
  let timer = 0;
  let tries = 0;
  const later = () => {
    waiting ||= requestAnimationFrame(() => {
      waiting = 0;
      clearTimeout(timer);
      if (place && !place.getClientRects().length && tries < TRIES) {
        tries += 1;
        timer = setTimeout(later, 50);
        return;
      }
      tries = 0;
      draw();
    });
  };
  later.cancel = () => {
    cancelAnimationFrame(waiting);
    clearTimeout(timer);
  };
  return later;
}

/** Call `act` when the front end changes its theme; return a function that removes the listener. */
export function watchTheme(act) {
  const themed = new MutationObserver(act);
  themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
  return () => themed.disconnect();
}
