// The exhibits of a game on the page of a class: rows of HTML that the kernel wrote, with all names escaped.

export default {
  render({ model, el }) {
    el.classList.add("gw-exhibits");
    model.on("msg:custom", ({ frame }, buffers) => {
      if (frame.parts.length) el.innerHTML = new TextDecoder().decode(buffers[0]);
    });
  },
};
