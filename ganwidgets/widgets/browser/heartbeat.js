// Answers for one view of a GANTrainerWidget; the protocol stands in heartbeat.py.

/** Ask for one call after the browser has drawn what it was told so far. */
const afterDrawing = (call) => requestAnimationFrame(() => requestAnimationFrame(call));

/** Send something to the kernel, unless it is gone: then nobody is left who would want to know. */
function tell(model, content) {
  try {
    model.send(content);
  } catch (error) {
    if (!/cannot send/i.test(String(error))) throw error;
  }
}

/** The widget that this heartbeat belongs to. */
const rootOf = (el) => el.closest(".gw-root") ?? el.parentElement;

/** Tell the kernel that a page holds this view, until the view is removed or its page is left. */
function hold(model, view) {
  const open = () => tell(model, { open: view });
  const close = () => tell(model, { closed: view });
  window.addEventListener("pageshow", open);
  window.addEventListener("pagehide", close);
  open();
  return () => {
    window.removeEventListener("pageshow", open);
    window.removeEventListener("pagehide", close);
    close();
  };
}

/** States of a kernel after which its widgets never hear of it again. */
const ENDED = ["restarting", "autorestarting", "terminating", "dead"];

/** Say so once the kernel is gone, and keep the last picture as it is. */
function freeze(model, root) {
  let late = null;
  const gone = () => {
    if (root.classList.contains("gw-gone")) return;
    root.classList.add("gw-gone");
    const words = model.get("words");
    for (const child of root.children) child.inert = true;
    // The question of a lesson stands beside its run, and has no heartbeat.
    for (const lesson of root.parentElement?.querySelectorAll(":scope > .gw-lesson") ?? []) lesson.inert = true;
    // A message that was under way may still draw the state of before.
    const say = () => {
      for (const state of root.querySelectorAll(".gw-state")) {
        if (state.textContent === words.state) continue;
        state.textContent = words.state;
        state.className = "gw-state gw-state-error";
      }
    };
    say();
    late = new MutationObserver(say);
    late.observe(root, { childList: true, subtree: true });
    const notice = document.createElement("div");
    notice.className = "gw-trouble-box gw-gone-notice";
    notice.setAttribute("role", "alert");
    const headline = document.createElement("strong");
    headline.textContent = words.gone;
    const remedy = document.createElement("p");
    remedy.textContent = words.remedy;
    notice.append(headline, remedy);
    root.prepend(notice);
  };
  const onStatus = (_sender, status) => {
    if (ENDED.includes(status)) gone();
  };
  const onKernel = (_sender, { oldValue, newValue }) => {
    if (oldValue && oldValue.id !== newValue?.id) gone();
  };
  // JupyterLab's and Notebook's manager knows the notebook's session, others know a kernel at most.
  const { context, kernel } = model.widget_manager ?? {};
  const session = context?.sessionContext;
  const status = (session ?? kernel)?.statusChanged;
  status?.connect?.(onStatus);
  session?.kernelChanged?.connect?.(onKernel);
  // Every front end built on Jupyter's widget manager marks views whose model lost its comm.
  const look = () => {
    if (root.classList.contains("jupyter-widgets-disconnected")) gone();
  };
  const observer = new MutationObserver(look);
  observer.observe(root, { attributes: true, attributeFilter: ["class"] });
  look();
  return () => {
    status?.disconnect?.(onStatus);
    session?.kernelChanged?.disconnect?.(onKernel);
    observer.disconnect();
    late?.disconnect();
  };
}

/** Hide the stored picture beside this view, which shows the same as of an earlier moment. */
function cover(model, el) {
  const name = model.get("stored");
  if (!name) return;
  const style = document.createElement("style");
  const rule = "{ display: none !important; }";
  style.textContent = `.${name} ${rule} .jp-OutputArea-child:has(.${name}) ${rule}`;
  el.append(style);
}

/** Tell the kernel which frames this view has drawn, and whether it can be seen at all. */
function answer(model, root, view) {
  let onScreen = true;
  let seen = null;

  const report = () => {
    const visible = onScreen && document.visibilityState === "visible";
    if (visible === seen) return;
    seen = visible;
    tell(model, visible ? { hello: view } : { bye: view });
  };
  const onMessage = ({ seq }) => {
    if (seq !== undefined) afterDrawing(() => tell(model, { ack: seq, view }));
  };
  // The newest entry counts: a quick scroll reports several at once.
  const observer = new IntersectionObserver((entries) => {
    onScreen = entries.at(-1).isIntersecting;
    report();
  });

  model.on("msg:custom", onMessage);
  document.addEventListener("visibilitychange", report);
  report();
  if (root) observer.observe(root);

  return () => {
    model.off("msg:custom", onMessage);
    document.removeEventListener("visibilitychange", report);
    observer.disconnect();
    if (seen) tell(model, { bye: view });
  };
}

/** Tell the kernel of clicks on the chart of losses and on what says where it leads, and copy what offers itself to be copied. */
function follow(model, root) {
  const onClick = (event) => {
    const copied = event.target.closest("[data-gw-copy]");
    // Where the page may not reach the clipboard, the line beside the button is still there to be marked.
    if (copied) navigator.clipboard?.writeText(copied.dataset.gwCopy).then(() => copied.classList.add("gw-copied"));
    const target = event.target.closest("[data-gw-go]");
    if (target) tell(model, { go: target.dataset.gwGo });
    const plot = event.target.closest(".gw-curves .gw-chart")?.querySelector(".plotarea_background");
    if (plot) {
      const { left, width } = plot.getBoundingClientRect();
      const across = (event.clientX - left) / width;
      if (across >= 0 && across <= 1) tell(model, { go: `explain:${across}` });
    }
  };
  root.addEventListener("click", onClick);
  return () => root.removeEventListener("click", onClick);
}

/** What can be clicked after a click, before the kernel has answered: else a quick second click would be lost. */
const NEXT = { "gw-play": "gw-pause", "gw-pause": "gw-play" };

/** Enable Pause at a click on Play, and the other way round; the kernel disables it again if it must. */
function foresee(root) {
  const onClick = ({ target }) => {
    const clicked = target.closest("button");
    for (const [one, other] of Object.entries(NEXT)) {
      if (!clicked?.classList.contains(one)) continue;
      for (const button of root.querySelectorAll(`button.${other}`)) button.disabled = false;
    }
  };
  root.addEventListener("click", onClick);
  return () => root.removeEventListener("click", onClick);
}

/** What takes keys of its own. */
const KEYED = "[role=slider], [role=tab], select, input, button";

/** What may need a name when it joins the page; lines of text, which change all the time, do not. */
const NAMEABLE = `${KEYED}, canvas, img, .jupyter-widgets`;

/** Give the elements below `root` the names and tooltips that ipywidgets has no place for. */
function name(model, root) {
  const apply = () => {
    for (const element of root.querySelectorAll(KEYED)) {
      // Else a notebook's shortcuts would take the arrow keys from sliders and lists.
      element.setAttribute("data-lm-suppress-shortcuts", "true");
    }
    for (const [cssClass, [label, help]] of Object.entries(model.get("names"))) {
      for (const element of root.getElementsByClassName(cssClass)) {
        if (help) element.title = help;
        for (const handle of element.querySelectorAll("[role=slider]")) {
          handle.setAttribute("aria-label", label);
        }
        const canvas = element.matches("canvas");
        if (element.matches("img")) element.alt = label;
        const group = element.classList.contains("gw-card");
        if (canvas || group) {
          element.setAttribute("role", canvas ? "img" : "group");
          element.setAttribute("aria-label", label);
        }
        // ipycanvas takes every key, so that nobody could leave a canvas by the keyboard.
        if (canvas) element.removeAttribute("tabindex");
        for (const input of element.querySelectorAll("input[type=text], input[type=number]")) {
          const described = [...(input.labels ?? [])].some((each) => each.textContent.trim());
          if (!described) input.setAttribute("aria-label", label);
        }
        // The browser repeats a checkbox's own label as its tooltip; the help says more.
        for (const input of element.querySelectorAll("input[type=checkbox], .widget-checkbox span")) {
          input.title = help;
        }
      }
    }
  };
  let waiting = false;
  const observer = new MutationObserver((mutations) => {
    const added = mutations.flatMap((each) => [...each.addedNodes]).filter((node) => node instanceof HTMLElement);
    if (waiting || !added.some((node) => node.matches(NAMEABLE) || node.querySelector(NAMEABLE))) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      apply();
    });
  });
  observer.observe(root, { childList: true, subtree: true });
  model.on("change:names", apply);
  apply();
  return () => {
    observer.disconnect();
    model.off("change:names", apply);
  };
}

/** Put a button beside each setting that can be tried on a copy of the run. */
function offer(model, root) {
  const apply = () => {
    for (const control of root.querySelectorAll(".gw-asks")) {
      if (control.querySelector(":scope > .gw-what_if-ask")) continue;
      const name = [...control.classList].find((each) => each.startsWith("gw-") && !/^gw-(asks|control|kind-|idle|hidden)/.test(each));
      const button = document.createElement("button");
      button.type = "button";
      button.className = "gw-what_if-ask";
      button.textContent = "?";
      button.title = model.get("words").what_if;
      button.setAttribute("aria-label", `${button.title} ${model.get("names")[name]?.[0] ?? ""}`);
      button.dataset.gwGo = `what_if:${name.slice(3)}`;
      button.addEventListener("click", () => root.querySelector(".gw-what_if")?.scrollIntoView({ block: "nearest" }));
      control.append(button);
    }
  };
  const observer = new MutationObserver(apply);
  observer.observe(root, { childList: true, subtree: true });
  apply();
  return () => observer.disconnect();
}

/** Let screen readers say a slider's value, where noUiSlider would say at which place its handle is. */
function speak(model, root) {
  const say = (handle) => {
    for (const [cssClass, words] of Object.entries(model.get("places"))) {
      if (!handle.closest("." + cssClass)) continue;
      const word = words[Math.round(Number(handle.getAttribute("aria-valuenow")))];
      if (word !== undefined && handle.getAttribute("aria-valuetext") !== word) {
        handle.setAttribute("aria-valuetext", word);
      }
    }
  };
  const sayAll = () => root.querySelectorAll(".gw-slider [role=slider]").forEach(say);
  const observer = new MutationObserver((mutations) => new Set(mutations.map((each) => each.target)).forEach(say));
  observer.observe(root, { attributes: true, attributeFilter: ["aria-valuetext"], subtree: true });
  sayAll();
  return () => observer.disconnect();
}

export default {
  render({ model, el }) {
    const view = Math.random().toString(36).slice(2);
    const endings = [hold(model, view)];
    let removed = false;
    cover(model, el);
    // The element joins the page only after this function has returned.
    requestAnimationFrame(() => {
      if (removed) return;
      const root = rootOf(el);
      endings.push(answer(model, root, view));
      if (root) endings.push(freeze(model, root), name(model, root), speak(model, root), follow(model, root), foresee(root));
      if (root && model.get("words").what_if) endings.push(offer(model, root));
    });
    return () => {
      removed = true;
      for (const end of endings) end();
    };
  },
};
