// Creates the view of a widget once its container has a size. The reason is in once_seen.py.

const PREFIX = "IPY_MODEL_";

export default {
  render({ model, el }) {
    let view = null;
    let removed = false;

    const mount = async () => {
      const manager = model.widget_manager;
      const made = await manager.create_view(await manager.get_model(model.get("content").slice(PREFIX.length)));
      if (removed) {
        made.remove();
        return;
      }
      view = made;
      el.append(view.el);
      // The message that a Lumino parent sends to an attached child.
      view.trigger("displayed");
    };

    // It also reports the first size, and the one after `display: none`.
    const observer = new ResizeObserver(() => {
      if (!el.clientWidth || !el.clientHeight) return;
      observer.disconnect();
      mount();
    });
    el.classList.add("gw-once-seen");
    observer.observe(el);

    return () => {
      removed = true;
      observer.disconnect();
      view?.remove();
    };
  },
};
