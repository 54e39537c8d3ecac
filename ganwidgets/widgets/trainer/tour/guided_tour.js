// A guided tour of one widget; guided_tour.py lists its stops. It sends nothing to the kernel.

const GAP = 8; // CSS pixels between the card and the part, and at the window's edge

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function render({ model, el }) {
  const words = model.get("words");
  const ending = new AbortController();
  const { signal } = ending;
  const root = () => el.closest(".gw-root");

  const start = element("button", "gw-action gw-tour-start", "?");
  const card = element("div", "gw-tour");
  const place = element("p", "gw-tour-place");
  const title = element("h4", "gw-tour-title");
  const text = element("p", "gw-tour-text");
  const row = element("div", "gw-tour-row");
  const [skip, before, next] = ["skip", "before", "next"].map((name) => element("button", `gw-action gw-tour-${name}`, words[name]));
  row.append(skip, before, next);
  card.append(place, title, text, row);
  for (const each of [start, skip, before, next]) each.type = "button";
  start.title = `${words.tour}. ${words.tour_help}`;
  start.setAttribute("aria-label", start.title);
  start.setAttribute("aria-haspopup", "dialog");
  card.hidden = true;
  card.setAttribute("role", "dialog");
  card.setAttribute("aria-label", words.tour);
  text.setAttribute("aria-live", "polite");
  card.popover = "manual"; // above everything, also on the full screen

  let stops = []; // [element, title, text] of the parts that are shown
  let at = -1;

  const put = () => {
    if (at < 0) return;
    const part = stops[at][0].getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = card;
    const below = part.bottom + GAP + height <= innerHeight;
    const above = part.top - GAP - height >= 0;
    const top = below ? part.bottom + GAP : above ? part.top - GAP - height : innerHeight - height - GAP;
    const left = Math.min(Math.max(part.left, GAP), innerWidth - width - GAP);
    card.style.left = `${Math.max(left, GAP)}px`;
    card.style.top = `${Math.max(top, GAP)}px`;
  };
  const visit = (number) => {
    stops[at]?.[0].classList.remove("gw-toured");
    at = number;
    const [part, heading, sentence] = stops[at];
    part.classList.add("gw-toured");
    part.scrollIntoView({ block: "nearest", inline: "nearest" });
    place.textContent = words.place.replace("{number}", at + 1).replace("{count}", stops.length);
    title.textContent = heading;
    text.textContent = sentence;
    before.disabled = at === 0;
    next.textContent = at === stops.length - 1 ? words.skip : words.next;
    skip.hidden = at === stops.length - 1;
    put();
    next.focus({ preventScroll: true });
  };
  const end = () => {
    if (at < 0) return;
    stops[at][0].classList.remove("gw-toured");
    at = -1;
    card.hidePopover?.();
    card.hidden = true;
    start.focus();
  };
  const begin = () => {
    if (at >= 0) return end();
    stops = model
      .get("stops")
      .map(([name, heading, sentence]) => [root()?.querySelector(`.${name}`), heading, sentence])
      .filter(([part]) => part?.getClientRects().length && part.getBoundingClientRect().height > 0);
    if (!stops.length) return;
    card.hidden = false;
    card.showPopover?.();
    visit(0);
  };
  const go = (by) => {
    const to = at + by;
    if (to >= stops.length) end();
    else if (to >= 0) visit(to);
  };

  start.addEventListener("click", begin);
  skip.addEventListener("click", end);
  before.addEventListener("click", () => go(-1));
  next.addEventListener("click", () => go(1));
  // A presentation removes the focus when it begins, and has no other cells.
  const owns = (target) => card.contains(target) || (target === document.body && document.fullscreenElement === root());
  // Handle keys before the notebook moves cells. The presentation ignores arrow keys while the card is shown.
  window.addEventListener(
    "keydown",
    (event) => {
      if (at < 0 || !owns(event.composedPath()[0])) return;
      const act = { ArrowRight: () => go(1), ArrowLeft: () => go(-1), Escape: end }[event.key];
      if (!act) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      act();
    },
    { capture: true, signal },
  );
  for (const happening of ["scroll", "resize"]) window.addEventListener(happening, put, { capture: true, passive: true, signal });

  el.append(start, card);
  return () => {
    stops[at]?.[0].classList.remove("gw-toured");
    ending.abort();
  };
}

export default { render };
