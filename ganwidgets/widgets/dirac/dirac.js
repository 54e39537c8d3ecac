// Draws a DiracView: the plane of all states with its arrows and one run's path, and the run's distance
// from the solution. The content of `scene` is described in view.py.

import { make, makeButton, makeSvg } from "../browser/shared/elements.js";
import { ARROWS, taken } from "../browser/shared/keys.js";
import { listen } from "../browser/shared/messages.js";
import { linear } from "../browser/shared/numbers.js";
import { minus } from "../browser/shared/texts.js";

const SIDE = 400;
const ROOM = { left: 44, right: 12, top: 12, bottom: 40 };
const CHART = { width: 460, height: 240 };
const SECONDS = 6;
const KEY_STEP = 0.1;

/** Return an SVG element with these attributes, appended to `parent`. */
const add = (parent, tag, attributes, text) => makeSvg(parent, tag, "", attributes, text);

const polyline = (points) => points.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" ");

/** Draw axes with their ticks into `svg`; `x` and `y` map values to places. */
function axes(svg, box, xticks, yticks, x, y, xlabel, ylabel) {
  const group = add(svg, "g", { class: "gw-dirac-axes" });
  for (const [value, label] of xticks) {
    add(group, "line", { x1: x(value), x2: x(value), y1: box.top, y2: box.bottom });
    add(group, "text", { x: x(value), y: box.bottom + 15, "text-anchor": "middle" }, label);
  }
  for (const [value, label] of yticks) {
    add(group, "line", { x1: box.left, x2: box.right, y1: y(value), y2: y(value) });
    add(group, "text", { x: box.left - 6, y: y(value) + 4, "text-anchor": "end" }, label);
  }
  add(group, "text", { x: (box.left + box.right) / 2, y: box.bottom + 32, "text-anchor": "middle", class: "gw-dirac-name" }, xlabel);
  const middle = (box.top + box.bottom) / 2;
  add(group, "text", { transform: `translate(11 ${middle}) rotate(-90)`, "text-anchor": "middle", class: "gw-dirac-name" }, ylabel);
}

/** Draw the plane; return the function that places the moving mark. */
function drawPlane(svg, scene, words) {
  const box = { left: ROOM.left, right: SIDE - ROOM.right, top: ROOM.top, bottom: SIDE - ROOM.bottom };
  const reach = scene.reach;
  const x = linear(-reach, reach, box.left, box.right);
  const y = linear(-reach, reach, box.bottom, box.top);
  const ticks = [-2, -1, 0, 1, 2].map((value) => [value, minus(String(value))]);
  axes(svg, box, ticks, ticks, x, y, words.theta, words.psi);
  const clip = add(svg, "clipPath", { id: scene.clip });
  add(clip, "rect", { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top });
  const inside = add(svg, "g", { "clip-path": `url(#${scene.clip})` });
  const arrows = scene.field
    .map(([theta, psi, u, v]) => {
      const [x0, y0, x1, y1] = [x(theta - u / 2), y(psi - v / 2), x(theta + u / 2), y(psi + v / 2)];
      const angle = Math.atan2(y1 - y0, x1 - x0);
      const head = [2.6, -2.6].map((side) => `M${x1} ${y1}L${x1 - 4 * Math.cos(angle + side / 5)} ${y1 - 4 * Math.sin(angle + side / 5)}`);
      return `M${x0.toFixed(1)} ${y0.toFixed(1)}L${x1.toFixed(1)} ${y1.toFixed(1)}${head.join("")}`;
    })
    .join("");
  add(inside, "path", { d: arrows, class: "gw-dirac-field" });
  const places = scene.path.map(([theta, psi]) => [x(theta), y(psi)]);
  add(inside, "polyline", { points: polyline(places), class: "gw-dirac-path" });
  for (const [px, py] of places.slice(0, 200)) add(inside, "circle", { cx: px, cy: py, r: 1.6, class: "gw-dirac-step" });
  const goal = [x(0), y(0)];
  add(inside, "path", { d: `M${goal[0] - 6} ${goal[1]}h12M${goal[0]} ${goal[1] - 6}v12`, class: "gw-dirac-goal" });
  const start = places[0];
  add(inside, "circle", { cx: start[0], cy: start[1], r: 7, class: "gw-dirac-start" });
  const mover = add(inside, "circle", { r: 5.5, class: "gw-dirac-mover" });
  const unscaled = (px, py) => [
    linear(box.left, box.right, -reach, reach)(px),
    linear(box.bottom, box.top, -reach, reach)(py),
  ];
  return { places, mover, unscaled };
}

/** Draw the distance from the solution by step, measured and by the linear theory. */
function drawChart(svg, scene, words) {
  const { width, height } = CHART;
  const box = { left: 52, right: width - 10, top: 12, bottom: height - 40 };
  const [low, high] = scene.decades;
  const x = linear(0, Math.max(1, scene.distance.length - 1), box.left, box.right);
  const y = linear(low, high, box.bottom, box.top);
  axes(svg, box, scene.xticks, scene.yticks, x, y, words.steps, words.distance);
  const clip = `${scene.clip}-chart`;
  const area = add(add(svg, "clipPath", { id: clip }), "rect", { x: box.left, y: box.top - 2 });
  area.setAttribute("width", box.right - box.left);
  area.setAttribute("height", box.bottom - box.top + 4);
  const inside = add(svg, "g", { "clip-path": `url(#${clip})` });
  const line = (values) => polyline(values.map((value, step) => [x(step), y(value)]).filter(([, place]) => Number.isFinite(place)));
  add(inside, "polyline", { points: line(scene.distance), class: "gw-dirac-path" });
  if (scene.theory.length) add(inside, "polyline", { points: line(scene.theory), class: "gw-dirac-theory" });
  const mover = add(inside, "circle", { r: 4, class: "gw-dirac-mover" });
  return { mover, at: (step) => [x(step), y(scene.distance[step])] };
}

export default {
  render({ model, el }) {
    el.classList.add("gw-dirac");
    const plane = makeSvg(el, "svg", "gw-dirac-plane", {
      viewBox: `0 0 ${SIDE} ${SIDE}`,
      tabindex: "0",
      role: "application",
      "data-lm-suppress-shortcuts": "true",
    });
    const side = make(el, "div", "gw-dirac-side");
    const chart = makeSvg(side, "svg", "gw-dirac-chart", { viewBox: `0 0 ${CHART.width} ${CHART.height}`, role: "img" });
    const verdicts = make(side, "div", "gw-dirac-verdicts", { role: "status" });
    const play = makeButton(side, "gw-action jupyter-button gw-dirac-play", "", () => run());

    let parts = null;
    let timer = 0;
    const still = matchMedia("(prefers-reduced-motion: reduce)");

    const put = (step) => {
      const [px, py] = parts.plane.places[step];
      const [cx, cy] = parts.chart.at(step);
      const seen = Number.isFinite(px + py + cx + cy);
      for (const [mark, mx, my] of [[parts.plane.mover, px, py], [parts.chart.mover, cx, cy]]) {
        mark.setAttribute("visibility", seen ? "visible" : "hidden");
        if (seen) mark.setAttribute("transform", `translate(${mx} ${my})`);
      }
    };
    const stop = () => {
      cancelAnimationFrame(timer);
      timer = 0;
    };
    const run = () => {
      stop();
      const last = parts.plane.places.length - 1;
      if (still.matches) return put(last);
      const began = performance.now();
      const tick = (now) => {
        const step = Math.min(last, Math.floor((last * (now - began)) / (1000 * SECONDS)));
        put(Math.max(0, step));
        timer = step < last ? requestAnimationFrame(tick) : 0;
      };
      timer = requestAnimationFrame(tick);
    };
    const draw = () => {
      stop();
      const scene = { ...model.get("scene"), clip: `gw-dirac-${Math.random().toString(36).slice(2)}` };
      const words = model.get("words");
      plane.replaceChildren();
      chart.replaceChildren();
      plane.setAttribute("aria-label", words.plane);
      chart.setAttribute("aria-label", words.chart);
      plane.title = words.hint;
      play.textContent = words.play;
      parts = { plane: drawPlane(plane, scene, words), chart: drawChart(chart, scene, words) };
      put(parts.plane.places.length - 1);
      verdicts.innerHTML = scene.verdicts;
    };
    const begin = (theta, psi) => model.send({ start: [theta, psi] });
    const pointed = (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(plane.getScreenCTM().inverse());
      begin(...parts.plane.unscaled(point.x, point.y));
    };
    plane.addEventListener("pointerdown", (event) => {
      plane.setPointerCapture(event.pointerId);
      pointed(event);
    });
    plane.addEventListener("pointermove", (event) => {
      if (plane.hasPointerCapture(event.pointerId)) pointed(event);
    });
    plane.addEventListener("keydown", (event) => {
      const direction = ARROWS[event.key];
      if (!direction) return;
      taken(event);
      const [theta, psi] = model.get("scene").path[0];
      begin(theta + KEY_STEP * direction[0], psi + KEY_STEP * direction[1]);
    });
    const unlisten = listen(model, { "change:scene": draw });
    draw();
    return () => {
      stop();
      unlisten();
    };
  },
};
