// Draws a SweepView: a cell for each run or, with seeds folded, for each configuration. What `scene`, `state` and a
// frame hold is described in view.py and frames.py.

const NS = "http://www.w3.org/2000/svg";
// Viridis, from worse to better: readable for the colour-blind, and in grey.
const SCALE = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];

function node(parent, tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

/** Return the colour of a share from 0, the worst, to 1, the best. */
function shade(share) {
  const place = Math.min(Math.max(share, 0), 1) * (SCALE.length - 1);
  const low = Math.min(Math.floor(place), SCALE.length - 2);
  const mixed = SCALE[low].map((value, i) => Math.round(value + (SCALE[low + 1][i] - value) * (place - low)));
  return `rgb(${mixed.join(",")})`;
}

const brief = (value) => (Number.isFinite(value) ? minus(Number(value.toPrecision(3)).toString()) : "\u2013");
const finite = (values) => values.filter(Number.isFinite);
const mean = (values) => (values.length ? values.reduce((a, b) => a + b, 0) / values.length : NaN);

/** Return the cells: groups of runs that differ in nothing but their seed, or single runs. */
function grouped(scene, fold) {
  const cells = new Map();
  for (const run of scene.runs) {
    const key = fold ? JSON.stringify(run.settings) : String(run.index);
    if (!cells.has(key)) cells.set(key, { key, runs: [], settings: run.settings, numbers: run.numbers });
    cells.get(key).runs.push(run.index);
  }
  return [...cells.values()];
}

export default {
  render({ model, el }) {
    el.classList.add("gw-sweep");
    const words = model.get("words");
    const css = getComputedStyle(el);
    let frame = null;
    let cells = [];
    let parts = [];
    let chosen = new Set();
    let focus = 0;
    let pending = 0;
    const view = { show: "grid", fold: true, sort: "given", filter: "all", setting: "", value: "" };

    // --- controls
    const bar = node(el, "div", "gw-sweep-bar");
    const button = (parent, name, className, act) => {
      const made = node(parent, "button", `jupyter-button ${className}`, words[name]);
      made.type = "button";
      made.addEventListener("click", act);
      return made;
    };
    const send = (act, rest = {}) => model.send({ act, ...rest });
    const play = button(bar, "play", "gw-play mod-primary", () => send("play"));
    const pause = button(bar, "pause", "gw-pause", () => send("pause"));
    button(bar, "step", "gw-step", () => send("step"));
    const at = node(bar, "span", "gw-sweep-at");
    at.setAttribute("role", "status");
    const select = (name, options, value, changed) => {
      const label = node(bar, "label", "", words[name] + " ");
      const made = node(label, "select", `gw-sweep-${name}`);
      for (const [key, text] of options) node(made, "option", "", text).value = key;
      made.value = value;
      made.addEventListener("change", () => changed(made.value));
      return made;
    };
    const choose = (key) => (value) => {
      view[key] = value;
      build();
    };
    const pairs = (...names) => names.map((name) => [name, words[name]]);
    const metrics = select("metric", [], "", (metric) => send("metric", { metric }));
    select("show", pairs("grid", "table", "parallel"), view.show, choose("show"));
    select("sort", pairs("given", "by_metric"), view.sort, choose("sort"));
    select("filter", pairs("all", "alive", "ended"), view.filter, choose("filter"));
    const foldLabel = node(bar, "label", "gw-sweep-fold");
    const fold = node(foldLabel, "input");
    fold.type = "checkbox";
    fold.checked = view.fold;
    foldLabel.append(" " + words.fold);
    fold.addEventListener("change", () => {
      view.fold = fold.checked;
      build();
    });
    const error = node(el, "div", "gw-sweep-error");
    error.setAttribute("role", "alert");
    const legend = node(el, "div", "gw-sweep-legend");
    const acts = node(el, "div", "gw-sweep-acts");
    const board = node(el, "div", "gw-sweep-board");
    board.setAttribute("role", "grid");
    board.setAttribute("aria-label", words.label);
    board.dataset.lmSuppressShortcuts = "true";
    const band = node(board, "div", "gw-sweep-band");
    node(el, "p", "gw-sweep-hint", words.hint);

    // --- numbers
    const state = () => model.get("state");
    const scene = () => model.get("scene");
    const better = () => scene().scale.better === "lower";
    const value = (run) => (frame ? frame.values[run] : NaN);
    const cellValue = (cell) => mean(finite(cell.runs.map(value)));
    const limits = () => {
      const known = finite(cells.map(cellValue));
      const floor = scene().scale.floor;
      if (Number.isFinite(floor)) known.push(floor);
      const [low, high] = [Math.min(...known), Math.max(...known)];
      return better() ? [high, low] : [low, high];
    };
    // One run far off would otherwise leave all others the same colour.
    const logarithmic = ([worst, best]) => Math.min(worst, best) > 0 && Math.max(worst / best, best / worst) > 10;
    const share = (number, ends) => {
      const [at, worst, best] = logarithmic(ends) ? [number, ...ends].map((each) => Math.log(each)) : [number, ...ends];
      return worst === best ? 1 : (at - worst) / (best - worst);
    };
    const ended = (run) => ["stopped", "diverged", "failed"].includes(state().statuses[run]);
    const named = (cell) =>
      [
        ...scene().varied.map(([name, label]) => `${label} ${cell.settings[name]}`),
        cell.runs.length > 1
          ? fill(words.seeds, { list: cell.runs.map((run) => scene().runs[run].seed).join(", ") })
          : `${words.seed} ${scene().runs[cell.runs[0]].seed}`,
      ].join(", ");
    const figures = (cell) => {
      const known = finite(cell.runs.map(value));
      if (known.length < 2) return brief(mean(known));
      return fill(words.mean, { mean: brief(mean(known)), low: brief(Math.min(...known)), high: brief(Math.max(...known)) });
    };
    // Runs are selected, not cells: a change of a setting regroups them.
    const isChosen = (cell) => cell.runs.every((run) => chosen.has(run));
    const picked = () => [...chosen].sort((a, b) => a - b);

    // --- the acts on what is selected
    const drawActs = () => {
      acts.replaceChildren();
      const runs = picked();
      acts.hidden = !runs.length;
      if (!runs.length) return;
      node(acts, "strong", "", fill(words.runs, { n: runs.length }));
      if (runs.length === 1) button(acts, "open", "gw-sweep-open", () => send("open", { runs }));
      const setting = node(acts, "select", "gw-sweep-setting");
      setting.setAttribute("aria-label", words.setting);
      for (const [name, text] of scene().settings) node(setting, "option", "", text).value = name;
      const offered = (name) => [...setting.options].some((option) => option.value === name);
      setting.value = [view.setting, ...scene().varied.map(([name]) => name), "lr_d"].find(offered);
      setting.addEventListener("change", () => (view.setting = setting.value));
      const input = node(acts, "input", "gw-sweep-value");
      input.setAttribute("aria-label", words.value);
      input.placeholder = words.value;
      input.value = view.value;
      input.addEventListener("input", () => (view.value = input.value));
      const apply = () => send("change", { runs, setting: setting.value, value: input.value });
      input.addEventListener("keydown", (event) => {
        event.stopPropagation();
        if (event.key === "Enter") apply();
      });
      button(acts, "apply", "gw-sweep-apply", apply);
      button(acts, "kill", "gw-sweep-kill", () => send("kill", { runs }));
      button(acts, "respawn", "gw-sweep-respawn", () => send("respawn", { runs }));
      const source = cells[focus]?.runs[0];
      if (runs.length > 1 && source !== undefined) {
        for (const kind of ["warm", "cold"]) {
          const made = button(acts, kind, `gw-sweep-${kind}`, () => send("respawn", { runs, source, warm: kind === "warm" }));
          made.textContent = fill(words[kind], { source });
        }
      }
      button(acts, "clear", "gw-sweep-clear", () => {
        chosen.clear();
        mark();
      });
    };
    const mark = () => {
      parts.forEach((part, i) => {
        part.box.classList.toggle("gw-chosen", isChosen(part.cell));
        part.box.setAttribute("aria-selected", isChosen(part.cell));
        part.box.tabIndex = i === focus ? 0 : -1;
      });
      drawActs();
    };

    // --- cells
    const shown = () => {
      cells = grouped(scene(), view.fold).filter((cell) => {
        const over = cell.runs.every(ended);
        return view.filter === "all" || (view.filter === "ended") === over;
      });
      if (view.sort === "by_metric") {
        const rank = (cell) => (Number.isFinite(cellValue(cell)) ? cellValue(cell) * (better() ? 1 : -1) : Infinity);
        cells.sort((a, b) => rank(a) - rank(b));
      }
    };
    const build = () => {
      shown();
      parts = [];
      board.replaceChildren(band);
      board.className = `gw-sweep-board gw-sweep-${view.show}`;
      focus = Math.min(focus, Math.max(cells.length - 1, 0));
      if (view.show === "grid") buildGrid();
      else if (view.show === "table") buildTable();
      else buildParallel();
      mark();
      refresh();
    };
    const axes = () => {
      const { varied } = scene();
      if (varied.length !== 2 || view.sort !== "given" || view.filter !== "all") return null;
      const [rows, columns] = varied.map(([name]) => [...new Set(cells.map((cell) => cell.settings[name]))]);
      const each = cells.length / (rows.length * columns.length);
      return Number.isInteger(each) && each === 1 ? { rows, columns, names: varied.map(([name]) => name), labels: varied.map(([, label]) => label) } : null;
    };
    const cellBox = (parent, cell) => {
      const box = node(parent, "div", "gw-sweep-cell");
      box.setAttribute("role", "gridcell");
      box.setAttribute("aria-label", named(cell));
      const head = node(box, "div", "gw-sweep-head");
      const canvas = node(box, "canvas", "gw-sweep-picture");
      const curve = node(box, "canvas", "gw-sweep-curve");
      const foot = node(box, "div", "gw-sweep-foot");
      const part = { cell, box, head, canvas, curve, foot };
      parts.push(part);
      box.addEventListener("click", (event) => {
        focus = parts.indexOf(part);
        if (event.shiftKey || event.ctrlKey || event.metaKey) return toggle(cell);
        if (!dragged) send("open", { runs: [cell.runs[0]] });
      });
      return part;
    };
    const buildGrid = () => {
      const plan = axes();
      if (plan) {
        board.style.gridTemplateColumns = `auto repeat(${plan.columns.length}, minmax(72px, 1fr))`;
        const corner = node(board, "div", "gw-sweep-corner");
        node(corner, "div", "", `${plan.labels[1]} \u2192`);
        node(corner, "div", "", `${plan.labels[0]} \u2193`);
        for (const column of plan.columns) node(board, "div", "gw-sweep-axis", column);
        for (const row of plan.rows) {
          node(board, "div", "gw-sweep-axis gw-sweep-row", row);
          for (const column of plan.columns) {
            const cell = cells.find((each) => each.settings[plan.names[0]] === row && each.settings[plan.names[1]] === column);
            cellBox(board, cell).head.hidden = true;
          }
        }
        view.across = plan.columns.length;
      } else {
        view.across = Math.min(cells.length, cells.length > 36 ? 9 : cells.length > 9 ? 6 : 5) || 1;
        board.style.gridTemplateColumns = `repeat(${view.across}, minmax(72px, 1fr))`;
        for (const cell of cells) cellBox(board, cell).head.textContent = named(cell);
      }
    };
    const buildTable = () => {
      board.style.gridTemplateColumns = "";
      const table = node(board, "table");
      const head = node(node(table, "thead"), "tr");
      const { varied, metric } = scene();
      for (const text of [words.run, ...varied.map(([, label]) => label), words.seed, words.status, metric, words.loss_d, words.loss_g]) {
        node(head, "th", "", text).scope = "col";
      }
      const body = node(table, "tbody");
      view.across = 1;
      for (const cell of cells) {
        const box = node(body, "tr", "gw-sweep-line");
        box.setAttribute("aria-label", named(cell));
        node(box, "th", "", cell.runs.join(" ")).scope = "row";
        for (const [name] of varied) node(box, "td", "", cell.settings[name]);
        node(box, "td", "", cell.runs.map((run) => scene().runs[run].seed).join(" "));
        const [status, foot, lossD, lossG] = [0, 1, 2, 3].map(() => node(box, "td"));
        const part = { cell, box, status, foot, losses: [lossD, lossG] };
        parts.push(part);
        box.addEventListener("click", () => {
          focus = parts.indexOf(part);
          send("open", { runs: [cell.runs[0]] });
        });
      }
    };
    const buildParallel = () => {
      board.style.gridTemplateColumns = "";
      view.across = 1;
      view.svg = document.createElementNS(NS, "svg");
      view.svg.setAttribute("viewBox", "0 0 900 300");
      view.svg.setAttribute("role", "img");
      view.svg.setAttribute("aria-label", words.parallel);
      board.append(view.svg);
    };

    // --- drawing
    const fit = (canvas, height) => {
      const ratio = window.devicePixelRatio || 1;
      const [w, h] = [Math.max(1, Math.round(canvas.clientWidth * ratio)), Math.max(1, Math.round((height ?? canvas.clientHeight) * ratio))];
      if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
      const pen = canvas.getContext("2d");
      pen.clearRect(0, 0, w, h);
      return [pen, w, h, ratio];
    };
    const colour = (name) => css.getPropertyValue(name).trim();
    const dots = (pen, points, start, n, w, h, ratio, reach, fillStyle) => {
      pen.fillStyle = fillStyle;
      const [low, high] = reach;
      for (let i = start; i < start + n; i += 1) {
        const x = ((points[2 * i] - low) / (high - low)) * w;
        const y = h - ((points[2 * i + 1] - low) / (high - low)) * h;
        if (x >= 0 && x <= w && y >= 0 && y <= h) pen.fillRect(x - ratio, y - ratio, 2 * ratio, 2 * ratio);
      }
    };
    const drawPicture = (part, run) => {
      const { samples } = frame;
      const n = samples.shape[1];
      const [pen, w, h, ratio] = fit(part.canvas);
      if (scene().kind === "points") {
        const real = scene().real.flat();
        const [low, high] = [Math.min(...real), Math.max(...real)];
        const room = 0.3 * (high - low || 1);
        const reach = [low - room, high + room];
        dots(pen, real, 0, real.length / 2, w, h, ratio, reach, colour("--gw-real"));
        dots(pen, samples, run * n, n, w, h, ratio, reach, colour("--gw-generated"));
        return;
      }
      const [, , height, width, channels] = samples.shape;
      const across = Math.ceil(Math.sqrt(n));
      const side = w / across;
      const small = document.createElement("canvas");
      Object.assign(small, { width, height });
      pen.imageSmoothingEnabled = false;
      for (let k = 0; k < n; k += 1) {
        const image = new ImageData(width, height);
        const from = (run * n + k) * height * width * channels;
        for (let p = 0; p < height * width; p += 1) {
          for (let c = 0; c < 3; c += 1) image.data[4 * p + c] = samples[from + p * channels + (channels === 1 ? 0 : c)];
          image.data[4 * p + 3] = 255;
        }
        small.getContext("2d").putImageData(image, 0, 0);
        pen.drawImage(small, (k % across) * side, Math.floor(k / across) * side, side - 1, side - 1);
      }
    };
    const drawCurves = (part) => {
      const { curves } = frame;
      const points = curves.shape[2];
      const [pen, w, h, ratio] = fit(part.curve);
      const all = finite(part.cell.runs.flatMap((run) => [...curves.subarray(2 * run * points, 2 * (run + 1) * points)]));
      if (!all.length) return;
      const sorted = all.sort((a, b) => a - b);
      const [low, high] = [sorted[Math.floor(0.02 * (sorted.length - 1))], sorted[Math.ceil(0.98 * (sorted.length - 1))]];
      const y = (v) => h - 2 * ratio - ((Math.min(Math.max(v, low), high) - low) / (high - low || 1)) * (h - 4 * ratio);
      ["--gw-d", "--gw-g"].forEach((name, row) => {
        const lines = part.cell.runs.map((run) => curves.subarray((2 * run + row) * points, (2 * run + row + 1) * points));
        const count = Math.max(...lines.map((line) => finite([...line]).length), 2);
        const x = (i) => (i / (count - 1)) * w;
        const column = (i) => finite(lines.map((line) => line[i]));
        pen.fillStyle = pen.strokeStyle = colour(name);
        const places = [...Array(count).keys()].filter((i) => column(i).length);
        if (lines.length > 1) {
          pen.globalAlpha = 0.25;
          pen.beginPath();
          for (const i of places) pen.lineTo(x(i), y(Math.max(...column(i))));
          for (const i of [...places].reverse()) pen.lineTo(x(i), y(Math.min(...column(i))));
          pen.fill();
          pen.globalAlpha = 1;
        }
        pen.lineWidth = 1.3 * ratio;
        pen.setLineDash(row ? [4 * ratio, 2 * ratio] : []);
        pen.beginPath();
        for (const i of places) pen.lineTo(x(i), y(mean(column(i))));
        pen.stroke();
        pen.setLineDash([]);
      });
    };
    const drawParallel = (span) => {
      view.svg.replaceChildren();
      const { varied, log, metric } = scene();
      const names = [...varied.map(([name]) => name), metric];
      const x = (i) => 60 + (names.length < 2 ? 0 : (780 * i) / (names.length - 1));
      const places = names.map((name, i) => {
        const last = i === names.length - 1;
        const raw = cells.map((cell) => (last ? cellValue(cell) : cell.numbers[name] ?? cell.settings[name]));
        const distinct = [...new Set(raw)];
        const numeric = raw.every((v) => typeof v === "number");
        const scaled = (v) => (numeric ? (log.includes(name) && v > 0 ? Math.log(v) : v) : distinct.indexOf(v));
        const known = finite(raw.map(scaled));
        const [low, high] = [Math.min(...known), Math.max(...known)];
        const y = (v) => 260 - (high === low ? 110 : (220 * (scaled(v) - low)) / (high - low));
        const ticks = last ? finite([Math.min(...finite(raw)), Math.max(...finite(raw))]) : distinct.slice(0, 9);
        return { raw, y, ticks };
      });
      const put = (tag, attributes, text) => {
        const made = document.createElementNS(NS, tag);
        for (const [key, v] of Object.entries(attributes)) made.setAttribute(key, v);
        if (text !== undefined) made.textContent = text;
        view.svg.append(made);
        return made;
      };
      cells.forEach((cell, row) => {
        const d = places.map((place, i) => `${i ? "L" : "M"}${x(i)} ${place.y(place.raw[row])}`).join("");
        if (d.includes("NaN")) return;
        const line = put("path", { d, fill: "none", stroke: shade(share(cellValue(cell), span)), "stroke-width": isChosen(cell) ? 4 : 2 });
        const title = document.createElementNS(NS, "title");
        title.textContent = `${named(cell)}: ${figures(cell)}`;
        line.append(title);
        line.addEventListener("click", () => toggle(cell));
      });
      names.forEach((name, i) => {
        put("line", { x1: x(i), x2: x(i), y1: 40, y2: 260, stroke: "currentColor", "stroke-opacity": 0.5 });
        put("text", { x: x(i), y: 24, "text-anchor": "middle", class: "gw-sweep-axis-name" }, name);
        for (const tick of places[i].ticks) {
          put("text", { x: x(i) + 6, y: places[i].y(tick) + 4 }, typeof tick === "number" ? brief(tick) : tick);
        }
      });
    };
    const refresh = () => {
      pending = 0;
      const now = state();
      at.textContent = `${fill(words.iteration, { n: spaced(now.iteration ?? 0) })}${
        now.status === "running" && now.rate ? ` \u00b7 ${fill(words.rate, { n: brief(now.rate), runs: scene().runs.length })}` : ""
      }`;
      play.hidden = now.status === "running";
      pause.hidden = !play.hidden;
      error.textContent = now.error ?? "";
      error.hidden = !now.error;
      if (!frame) return;
      const span = limits();
      drawLegend(span);
      if (view.show === "parallel") return drawParallel(span);
      for (const part of parts) {
        const { cell } = part;
        const known = cellValue(cell);
        const over = cell.runs.filter(ended);
        const status = over.length === cell.runs.length ? words[now.statuses[over[0]]] : "";
        part.box.style.setProperty("--gw-cell", Number.isFinite(known) ? shade(share(known, span)) : "transparent");
        part.box.classList.toggle("gw-over", Boolean(status));
        part.box.title = [named(cell), `${scene().metric}: ${figures(cell)}`, ...cell.runs.map((run) => now.errors[run]).filter(Boolean)].join("\n");
        part.foot.textContent = status && view.show === "grid" ? `${status} \u00b7 ${brief(known)}` : view.show === "grid" ? brief(known) : figures(cell);
        if (part.canvas) {
          drawPicture(part, cell.runs[0]);
          drawCurves(part);
        } else {
          part.status.textContent = [...new Set(cell.runs.map((run) => words[now.statuses[run]]))].join(", ");
          const points = frame.curves.shape[2];
          part.losses.forEach((place, row) => {
            const last = cell.runs.map((run) => finite([...frame.curves.subarray((2 * run + row) * points, (2 * run + row + 1) * points)]).at(-1));
            place.textContent = brief(mean(finite(last)));
          });
        }
      }
    };
    const drawLegend = ([worst, best]) => {
      legend.replaceChildren();
      const { metrics: all, metric, scale } = scene();
      node(legend, "span", "", (all.find(([name]) => name === metric) ?? [metric, metric])[1]);
      node(legend, "span", "", brief(worst));
      const ramp = node(legend, "span", "gw-sweep-ramp");
      ramp.title = `${words.worst} \u2192 ${words.best}`;
      node(legend, "span", "", brief(best));
      if (logarithmic([worst, best])) node(legend, "span", "", words.log);
      if (Number.isFinite(scale.floor)) {
        const tick = node(ramp, "i");
        tick.style.left = `${100 * Math.min(Math.max(share(scale.floor, [worst, best]), 0), 1)}%`;
        node(legend, "span", "gw-sweep-floor", fill(words.floor, { value: brief(scale.floor) }));
      }
    };
    const later = () => {
      if (!pending) pending = requestAnimationFrame(refresh);
    };

    // --- selecting
    const toggle = (cell) => {
      const on = isChosen(cell);
      for (const run of cell.runs) on ? chosen.delete(run) : chosen.add(run);
      mark();
      later();
    };
    let from = null;
    let dragged = false;
    board.addEventListener("pointerdown", (event) => {
      if (view.show !== "grid" || event.button !== 0) return;
      from = [event.clientX, event.clientY];
      dragged = false;
    });
    board.addEventListener("pointermove", (event) => {
      if (!from || Math.hypot(event.clientX - from[0], event.clientY - from[1]) < 6) return;
      dragged = true;
      board.setPointerCapture(event.pointerId);
      const place = board.getBoundingClientRect();
      const [left, right] = [from[0], event.clientX].sort((a, b) => a - b);
      const [top, bottom] = [from[1], event.clientY].sort((a, b) => a - b);
      Object.assign(band.style, { display: "block", left: `${left - place.left}px`, top: `${top - place.top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
      chosen = new Set(
        parts
          .filter(({ box }) => {
            const b = box.getBoundingClientRect();
            return b.left < right && b.right > left && b.top < bottom && b.bottom > top;
          })
          .flatMap(({ cell }) => cell.runs),
      );
      parts.forEach(({ box, cell }) => box.classList.toggle("gw-chosen", isChosen(cell)));
    });
    const release = () => {
      from = null;
      band.style.display = "none";
      if (dragged) mark();
      setTimeout(() => (dragged = false));
    };
    board.addEventListener("pointerup", release);
    board.addEventListener("pointercancel", release);
    board.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -view.across, ArrowDown: view.across }[event.key];
      const part = parts[focus];
      if (!part) return;
      if (move !== undefined) {
        if (parts[focus + move]) focus += move;
        mark();
        parts[focus].box.focus();
      } else if (event.key === "Enter") send("open", { runs: [part.cell.runs[0]] });
      else if (event.key === " ") toggle(part.cell);
      else if (event.key === "Escape") {
        chosen.clear();
        mark();
      } else return;
      event.preventDefault();
      event.stopPropagation();
    });

    // --- from the kernel
    const laidOut = () => {
      const { metrics: all, metric } = scene();
      metrics.replaceChildren();
      for (const [name, text] of all) node(metrics, "option", "", text).value = name;
      metrics.value = metric;
      build();
    };
    const message = (content, buffers) => {
      if (!content.frame) return;
      frame = unpack(content.frame, buffers);
      if (view.sort === "by_metric") build();
      else later();
    };
    model.on("msg:custom", message);
    model.on("change:scene", laidOut);
    model.on("change:state", later);
    const size = new ResizeObserver(later);
    size.observe(board);
    if (scene().runs) laidOut();
    send("redraw");
    return () => {
      cancelAnimationFrame(pending);
      size.disconnect();
      model.off("msg:custom", message);
      model.off("change:scene", laidOut);
      model.off("change:state", later);
    };
  },
};
