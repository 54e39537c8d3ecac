// Draws a SweepView: a cell for each run or, with seeds folded, for each configuration. What `scene`, `state` and a
// frame hold is described in view.py and frames.py.

import { colorsOf, drawsOnce, watchTheme } from "../browser/shared/canvases.js";
import { make, makeButton, makeSvg, setOptions } from "../browser/shared/elements.js";
import { taken } from "../browser/shared/keys.js";
import { listen, unpack } from "../browser/shared/messages.js";
import { clamp, finite } from "../browser/shared/numbers.js";
import { brief, fill, spaced } from "../browser/shared/texts.js";
import { scrollToOpened, showActions } from "./actions.js";
import { layGrid, layTable } from "./layouts.js";
import { drawParallel } from "./parallel.js";
import { drawLosses, drawSamples, RealPoints, sizeOf } from "./pictures.js";
import { figure, logarithmic, mean, Results, shade, shareOf } from "./results.js";
import { dragRectangle } from "./selection.js";

/** Change the text of an element if it differs: an equal one would be laid out again. */
const write = (el, text) => {
  if (el.textContent !== text) el.textContent = text;
};

export default {
  render({ model, el }) {
    el.classList.add("gw-sweep");
    const words = model.get("words");
    const results = new Results(model);
    let parts = [];
    let across = 1;
    let chosen = new Set();
    let focus = 0;
    let svg = null;
    let reals = [];
    let places = null;
    let sized = false;
    const view = { show: "grid", fold: true, sort: "given", filter: "all", setting: "", value: "" };
    const send = (act, rest = {}) => {
      if (act === "open") scrollToOpened(el.closest(".gw-root")?.querySelector(".gw-sweep-detail"), el);
      model.send({ act, ...rest });
    };

    // --- controls
    const bar = make(el, "div", "gw-sweep-bar");
    const button = (name, className) => makeButton(bar, `jupyter-button ${className}`, words[name], () => send(name));
    const play = button("play", "gw-play mod-primary");
    const pause = button("pause", "gw-pause");
    button("step", "gw-step");
    const undo = button("undo", "gw-sweep-undo");
    undo.title = words.undo_help;
    const at = make(bar, "span", "gw-sweep-at", { role: "status" });
    const select = (name, options, changed) => {
      const label = make(bar, "label", "", {}, words[name] + " ");
      const made = make(label, "select", `gw-sweep-${name}`);
      setOptions(made, options.map((each) => [each, words[each]]));
      made.addEventListener("change", () => changed(made.value));
      return made;
    };
    const choose = (key) => (value) => {
      view[key] = value;
      build();
    };
    const metrics = select("metric", [], (metric) => send("metric", { metric }));
    select("show", ["grid", "table", "parallel"], choose("show"));
    select("sort", ["given", "by_metric"], choose("sort"));
    select("filter", ["all", "alive", "ended"], choose("filter"));
    const foldLabel = make(bar, "label", "gw-sweep-fold");
    const fold = make(foldLabel, "input", "", { type: "checkbox" });
    fold.checked = view.fold;
    foldLabel.append(" " + words.fold);
    fold.addEventListener("change", () => choose("fold")(fold.checked));
    const error = make(el, "div", "gw-sweep-error", { role: "alert" });
    const legend = make(el, "div", "gw-sweep-legend");
    const key = make(el, "div", "gw-sweep-key");
    const acts = make(el, "div", "gw-sweep-acts");
    const board = make(el, "div", "gw-sweep-board", {
      role: "grid",
      "aria-label": words.label,
      "data-lm-suppress-shortcuts": "true",
    });
    const band = make(board, "div", "gw-sweep-band");
    const hint = make(el, "p", "gw-sweep-hint");

    // --- selecting
    // Runs are selected, not cells: a change of a setting regroups them.
    const isChosen = (cell) => cell.runs.every((run) => chosen.has(run));
    const clear = () => {
      chosen.clear();
      mark();
    };
    const mark = () => {
      parts.forEach(({ box, cell }, i) => {
        box.classList.toggle("gw-chosen", isChosen(cell));
        box.setAttribute("aria-selected", isChosen(cell));
        box.tabIndex = i === focus ? 0 : -1;
      });
      const runs = [...chosen].sort((a, b) => a - b);
      const last = parts[focus]?.cell ?? results.cells[focus];
      showActions(acts, runs, last?.runs[0], results, view, send, clear);
    };
    /** Put the actions above or below the cells, whichever is nearer to the selected ones, and into view. */
    const reach = () => {
      const boxes = parts.filter(({ cell }) => isChosen(cell)).map(({ box }) => box.getBoundingClientRect());
      if (!boxes.length) return;
      const { top, bottom } = board.getBoundingClientRect();
      const middle = mean(boxes.flatMap((box) => [box.top, box.bottom]));
      if (middle - top > bottom - middle) board.after(acts);
      else board.before(acts);
      acts.scrollIntoView({ block: "nearest" });
    };
    const toggle = (cell) => {
      const on = isChosen(cell);
      for (const run of cell.runs) on ? chosen.delete(run) : chosen.add(run);
      if (!parts.length) focus = results.cells.indexOf(cell);
      mark();
      reach();
      later();
    };
    const inGrid = () => view.show === "grid";
    const chooseWithin = ({ left, right, top, bottom }) => {
      const touched = parts.filter(({ box }) => {
        const b = box.getBoundingClientRect();
        return b.left < right && b.right > left && b.top < bottom && b.bottom > top;
      });
      chosen = new Set(touched.flatMap(({ cell }) => cell.runs));
      parts.forEach(({ box, cell }) => box.classList.toggle("gw-chosen", isChosen(cell)));
    };
    const dragged = dragRectangle(board, band, inGrid, chooseWithin, () => {
      mark();
      reach();
    });
    /** Return the part that an arrow key reaches, over places without a cell. */
    const reached = (step) => {
      if (!places) return parts[focus + step] ? focus + step : focus;
      const flat = places.flat();
      for (let at = flat.indexOf(focus) + step; at >= 0 && at < flat.length; at += step) if (flat[at] >= 0) return flat[at];
      return focus;
    };
    board.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
      const part = parts[focus];
      if (event.key === "z" && (event.ctrlKey || event.metaKey)) {
        send("undo");
        taken(event);
        return;
      }
      if (!part) return;
      if (move !== undefined) {
        focus = reached(move);
        mark();
        parts[focus].box.focus();
      } else if (event.key === "Enter") send("open", { runs: [part.cell.runs[0]] });
      else if (event.key === " ") toggle(part.cell);
      else if (event.key === "Escape") clear();
      else return;
      taken(event);
    });

    // --- cells
    const build = () => {
      results.arrange(view);
      parts = [];
      sized = false;
      across = 1;
      places = null;
      board.replaceChildren(band);
      board.className = `gw-sweep-board gw-sweep-${view.show}`;
      focus = Math.min(focus, Math.max(results.cells.length - 1, 0));
      if (view.show === "parallel") {
        board.style.gridTemplateColumns = "";
        svg = makeSvg(board, "svg", "", { viewBox: "0 0 900 300", role: "img", "aria-label": words.parallel });
      } else {
        ({ across, parts, places } = inGrid() ? layGrid(board, results, view) : layTable(board, results));
      }
      hint.textContent = inGrid() ? words.hint : words[`hint_${view.show}`];
      key.hidden = !inGrid();
      parts.forEach(({ box, cell }, index) => {
        box.addEventListener("click", (event) => {
          focus = index;
          if (event.shiftKey || event.ctrlKey || event.metaKey) toggle(cell);
          else if (!dragged()) send("open", { runs: [cell.runs[0]] });
        });
      });
      mark();
      refresh();
    };

    // --- drawing
    const refresh = () => {
      const { at: moment, frame, scene, state } = results;
      const rate = state.status === "running" && moment.rate;
      const runs = scene.runs.length;
      const speed = rate ? ` \u00b7 ${fill(runs === 1 ? words.rate_one : words.rate, { n: brief(rate), runs })}` : "";
      write(at, fill(words.iteration, { n: spaced(moment.iteration ?? 0) }) + speed);
      play.hidden = state.status === "running";
      pause.hidden = !play.hidden;
      undo.disabled = !state.undo;
      write(error, state.error ?? "");
      error.hidden = !state.error;
      if (!frame) return;
      const span = results.limits();
      drawLegend(span);
      if (view.show === "parallel") return drawParallel(svg, results, span, isChosen, toggle);
      for (const part of parts) tellCell(part, span);
      if (inGrid()) drawCells(frame);
    };
    /** Draw what changed in each cell; the page is read before the first canvas is changed. */
    const drawCells = (frame) => {
      // While a front end loads a theme, nothing has a size; the observer draws when the sizes are back.
      if (!parts.every((part) => part.canvas.clientWidth)) {
        sized = false;
        return;
      }
      const colors = colorsOf(board, ["real", "generated", "d", "g"]);
      const { scene } = results;
      const look = Object.values(colors).join();
      if (!sized) for (const part of parts) part.sizes = [sizeOf(part.canvas), sizeOf(part.curve)];
      for (const part of parts) {
        const { cell, sizes } = part;
        const again = !sized || part.look !== look;
        part.look = look;
        const still = part.samples === frame.samples || part.ended === cell.runs[0];
        if (again || !still) drawSamples(part.canvas, sizes[0], cell.runs[0], frame, reals[scene.runs[cell.runs[0]].data], colors);
        const drawn = cell.runs.map((run) => results.curveVersion(run)).join();
        if (again || part.drawn !== drawn) drawLosses(part.curve, sizes[1], cell, results, colors);
        part.samples = frame.samples;
        part.drawn = drawn;
        part.ended = results.ended(cell.runs[0]) ? cell.runs[0] : null;
      }
      sized = true;
    };
    const tellCell = (part, span) => {
      const { cell, box, foot } = part;
      const { state } = results;
      const known = results.valueOf(cell);
      const end = results.endOf(cell);
      const color = Number.isFinite(known) ? shade(shareOf(known, span)) : "";
      if (part.color !== color) box.style.setProperty("--gw-cell", color || "var(--gw-border)");
      part.color = color;
      box.classList.toggle("gw-over", cell.runs.every((run) => results.ended(run)));
      const figures = results.figuresOf(cell);
      const errors = [...new Set(cell.runs.map((run) => state.errors[run]).filter(Boolean))];
      const title = [results.nameOf(cell), `${results.metricLabel}: ${figures}`, end, ...errors].filter(Boolean).join("\n");
      if (box.title !== title) box.title = title;
      if (inGrid()) {
        const number = end && !Number.isFinite(known) ? "" : figure(known);
        write(foot, [end, number].filter(Boolean).join(" \u00b7 "));
        foot.classList.toggle("gw-ended", Boolean(end));
        return;
      }
      write(foot, figures);
      write(part.status, [...new Set(cell.runs.map((run) => words[state.statuses[run]]))].join(", "));
      part.losses.forEach((place, row) => {
        const last = cell.runs.map((run) => finite([...results.lossesOf(run, row)]).at(-1));
        write(place, figure(mean(finite(last))));
      });
    };
    const drawLegend = ([worst, best]) => {
      legend.replaceChildren();
      const { scale } = results.scene;
      const label = (text, className = "") => make(legend, "span", className, {}, text);
      label(results.metricLabel);
      label(figure(worst));
      const ramp = make(legend, "span", "gw-sweep-ramp", { title: `${words.worst} \u2192 ${words.best}` });
      label(figure(best));
      if (logarithmic([worst, best])) label(words.log);
      if (Number.isFinite(scale.floor)) {
        make(ramp, "i").style.left = `${100 * clamp(shareOf(scale.floor, [worst, best]), 0, 1)}%`;
        label(fill(words.floor, { value: figure(scale.floor) }), "gw-sweep-floor");
      }
    };
    /** Say what the colours of a miniature mean. */
    const drawKey = (onPlane) => {
      key.replaceChildren();
      const samples = onPlane ? [["real", words.key_real], ["generated", words.key_generated]] : [];
      for (const [name, text] of [...samples, ["d", words.loss_d], ["g", words.loss_g]]) {
        make(key, "i", `gw-sweep-${name}`);
        make(key, "span", "", {}, text);
      }
    };
    const later = drawsOnce(refresh, board);

    // --- from the kernel
    const laidOut = () => {
      const { metrics: all, metric, real, view: kind } = results.scene;
      reals = real.map((points) => new RealPoints(points));
      drawKey(kind === "plane");
      setOptions(metrics, all);
      metrics.value = metric;
      build();
    };
    const stated = () => {
      results.at = results.state;
      later();
    };
    const message = (content, buffers) => {
      if (!content.frame) return;
      results.renew(unpack(content.frame, buffers), content.at);
      if (view.sort === "by_metric") build();
      else later();
    };
    const deafen = listen(model, { "msg:custom": message, "change:scene": laidOut, "change:state": stated });
    const size = new ResizeObserver(() => {
      sized = false;
      later();
    });
    size.observe(board);
    const unwatch = watchTheme(later);
    if (results.scene.runs) laidOut();
    send("redraw");
    return () => {
      later.cancel();
      size.disconnect();
      unwatch();
      deafen();
    };
  },
};
