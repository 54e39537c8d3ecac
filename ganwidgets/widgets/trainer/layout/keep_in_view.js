// Keeps a widget in a corner of the page while the notebook scrolls, so that it is visible beside any cell.
//
// The widget becomes a popover, which the browser draws above everything. It stays where it is in the document, because
// the front end removes it from there when its cell runs again.

/** Return a function that moves the widget below `root` to the corner and back, and a function that ends this. */
export function keepInView(root, words, changed) {
  let height = 0;

  const put = () => {
    const [box, kept] = [root(), Boolean(root()?.matches(":popover-open"))];
    const place = box?.parentElement;
    if (!place) return;
    place.classList.toggle("gw-kept-place", kept);
    place.dataset.gwKept = kept ? words.kept : "";
    place.style.minHeight = kept ? `${Math.min(height, 120)}px` : "";
    changed(kept);
  };
  const toggle = () => {
    const box = root();
    if (!box?.showPopover) return;
    // Remove the attribute, because the browser draws a border around each element with it, shown or not.
    if (box.matches(":popover-open")) box.removeAttribute("popover");
    else {
      height = box.offsetHeight;
      // "manual": a click on the notebook must not close it.
      box.popover = "manual";
      box.showPopover();
    }
    put();
  };
  const end = () => {
    const box = root();
    if (box?.matches(":popover-open")) {
      box.removeAttribute("popover");
      put();
    }
  };
  return { toggle, end };
}
