// Draws a WalkView: the player that goes through the sub-steps of one update. The traits are described in panel.py.

import { colorsOf } from "../../browser/shared/canvases.js";
import { make, makeButton, setOptions } from "../../browser/shared/elements.js";
import { taken } from "../../browser/shared/keys.js";
import { listen } from "../../browser/shared/messages.js";

const SECONDS = [1, 2, 4, 8];

export default {
  render({ model, el }) {
    const words = model.get("words");
    el.classList.add("gw-walk-view");
    const bar = make(el, "div", "gw-walk-bar", {
      role: "group",
      "aria-label": words.name,
      "data-lm-suppress-shortcuts": "true",
    });
    make(bar, "span", "gw-walk-name", {}, words.name);
    const choose = (name, label, options) => {
      const select = make(bar, "select", `gw-walk-${name}`, { "aria-label": label, title: label });
      setOptions(select, options);
      return select;
    };
    const which = choose("which", words.which, words.networks);
    const button = (name, act) =>
      makeButton(bar, `gw-action gw-walk-${name}`, words[name], act, { title: words[`${name}Help`] });
    const send = (move) => model.send({ move, network: which.value });
    const begin = button("begin", () => send("begin"));
    const back = button("back", () => act("back"));
    const next = button("next", () => act("next"));
    const play = button("play", () => setPlaying(!playing));
    const speed = choose(
      "speed",
      words.speed,
      SECONDS.map((seconds) => [seconds, `${seconds} s`]),
    );
    speed.value = "4";
    const finish = button("finish", () => act("finish"));
    const leave = button("leave", () => act("leave"));

    const stages = make(el, "ol", "gw-walk-stages");
    const steps = words.stages.map(([name, label], index) => {
      const item = make(stages, "li", `gw-walk-stage gw-walk-at-${name}`);
      make(item, "b", "", {}, index + 1);
      make(item, "span", "", {}, label);
      return [name, item];
    });
    const body = make(el, "div", "gw-walk-body");
    const cloud = make(body, "canvas", "gw-walk-noise", {
      width: 96,
      height: 96,
      role: "img",
      "aria-label": words.noise,
      title: words.noise,
    });
    const text = make(body, "div", "gw-walk-text", { role: "status", "aria-live": "polite" });
    const head = make(text, "div", "gw-walk-head");
    const sentence = make(text, "div", "gw-walk-sentence");
    const note = make(text, "div", "gw-walk-note");

    let playing = false;
    let waiting = 0;

    const walking = () => Boolean(model.get("scene").stage);
    const act = (move) => {
      if (!walking() || (move === "back" && model.get("scene").index === 0)) return;
      clearTimeout(waiting);
      if (move !== "next") setPlaying(false);
      send(move);
    };
    const plan = () => {
      clearTimeout(waiting);
      if (playing) waiting = setTimeout(() => send("next"), 1000 * Number(speed.value));
    };
    const setPlaying = (wanted) => {
      playing = wanted && walking();
      play.textContent = playing ? words.hold : words.play;
      play.setAttribute("aria-pressed", String(playing));
      plan();
    };

    const drawNoise = (pairs) => {
      cloud.hidden = pairs.length === 0;
      const pen = cloud.getContext("2d");
      pen.clearRect(0, 0, 96, 96);
      pen.fillStyle = colorsOf(el, ["text"]).text;
      const reach = Math.max(1, ...pairs.flat().map(Math.abs)) * 1.05;
      for (const [x, y] of pairs) {
        pen.beginPath();
        pen.arc(48 + (44 * x) / reach, 48 - (44 * y) / reach, 1.7, 0, 2 * Math.PI);
        pen.fill();
      }
    };

    const show = () => {
      const scene = model.get("scene");
      const on = Boolean(scene.stage);
      el.classList.toggle("gw-walking", on);
      el.dataset.network = scene.network;
      el.dataset.stage = scene.stage;
      el.dataset.index = on ? scene.index : "";
      which.hidden = begin.hidden = on;
      for (const part of [back, next, play, speed, finish, leave, stages]) part.hidden = !on;
      body.hidden = !on && !scene.note;
      back.disabled = scene.index === 0;
      const at = steps.findIndex(([name]) => name === scene.stage);
      steps.forEach(([, item], index) => {
        item.classList.toggle("gw-walk-done", index < at);
        item.classList.toggle("gw-walk-here", index === at);
        if (index === at) item.setAttribute("aria-current", "step");
        else item.removeAttribute("aria-current");
      });
      head.textContent = on ? scene.title : "";
      sentence.textContent = on ? scene.sentence : "";
      note.textContent = scene.note || (on ? words.unchanged : "");
      drawNoise(scene.noise || []);
      if (!on || scene.note) setPlaying(false);
      else plan();
    };

    const keys = { ArrowRight: "next", ArrowLeft: "back", Escape: "leave" };
    const press = (event) => {
      if (!walking() || event.target.tagName === "SELECT") return;
      if (event.key in keys) act(keys[event.key]);
      else if (event.key === " " && event.target.tagName !== "BUTTON") setPlaying(!playing);
      else return;
      taken(event);
    };
    begin.addEventListener("click", () => requestAnimationFrame(() => el.focus()));
    el.tabIndex = -1;
    el.addEventListener("keydown", press);
    speed.addEventListener("change", plan);
    const unlisten = listen(model, { "change:scene": show });
    show();
    return () => {
      clearTimeout(waiting);
      unlisten();
    };
  },
};
