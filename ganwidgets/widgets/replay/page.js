// The page that replays a recording, which recording.py describes. It shows the panel of the notebook.

import { drawLosses } from "../classroom/charts.js";
import { Model } from "../classroom/model.js";

/** Milliseconds per frame during playback. */
const SHOWN = 180;

const CURVES = [
  ["loss_d", "d"],
  ["loss_g", "g"],
];

const find = (selector) => document.querySelector(selector);
const recording = JSON.parse(find("script[type='application/json']").textContent);
const { words, frames, iterations, losses } = recording;
const buffers = recording.buffers.map((text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer));

const address = URL.createObjectURL(new Blob([recording.module], { type: "text/javascript" }));
const { default: panel } = await import(address);
const model = new Model(recording.traits);
const [button, slider, caption, log] = [
  find(".gw-replay-row button"),
  find(".gw-replay-row input"),
  find("output"),
  find(".gw-replay-log input"),
];

find("h1").textContent = document.title;
slider.setAttribute("aria-label", words.moment);
find(".gw-replay-log").append(words.log);
slider.max = frames.length - 1;
slider.value = 0;
panel.render({ model, el: find(".gw-class-picture") });

function show() {
  const at = Number(slider.value);
  const { buffers: numbers, ...frame } = frames[at];
  model.notify("msg:custom", { frame }, numbers.map((number) => buffers[number]));
  caption.textContent = `${words.iteration} ${iterations[at]}`;
  slider.setAttribute("aria-valuetext", caption.textContent);
  const seen = losses.filter(([iteration]) => iteration <= iterations[at]);
  drawLosses(find(".gw-class-curves"), seen, words, CURVES, log.checked);
}

let playing = 0;
function play(wanted) {
  clearInterval(playing);
  playing = wanted ? setInterval(next, SHOWN) : 0;
  button.textContent = wanted ? words.pause : words.play;
}
function next() {
  const at = Number(slider.value);
  if (at >= frames.length - 1) {
    play(false);
    return;
  }
  slider.value = at + 1;
  show();
}

button.addEventListener("click", () => {
  if (!playing && Number(slider.value) >= frames.length - 1) slider.value = 0;
  play(!playing);
});
slider.addEventListener("input", () => {
  play(false);
  show();
});
log.addEventListener("change", show);
addEventListener("resize", show);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
play(false);
show();
document.documentElement.dataset.ready = "yes";
