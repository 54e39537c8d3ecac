// The page of a class. It shows the panel of the notebook through a model that exists on this page only. The messages
// are described in server.py. All texts from users are set as textContent.

import { make, makeButton, setOptions } from "../browser/shared/elements.js";
import { drawLosses } from "./charts.js";
import { Model } from "./model.js";
import { Question } from "./question.js";

// The server inserts the panel of the notebook: the plane or the gallery.
const { default: panel } = await import("./panel.js");

const find = (name) => document.querySelector(`.gw-class-${name}`);
const token = location.hash.slice(1);
// Exchange the token for a cookie that scripts cannot read, and remove it from the address.
if (token) {
  const entered = await fetch(new URL("enter", location.href.split("#")[0]), { method: "POST", body: JSON.stringify({ token }) });
  if (entered.ok) history.replaceState(null, "", location.pathname);
}
const address = new URL("ws", location.href);
address.protocol = address.protocol.replace("http", "ws");
address.hash = "";
const name = localStorage.getItem("gw-name") ?? "";
const socket = new WebSocket(address);
socket.binaryType = "arraybuffer";
const send = (content) => socket.send(JSON.stringify(content));

let model;
let words = {};
let curves = [];
let losses = [];
const question = new Question(find("question"), send);

const described = (changes) => Object.entries(changes).map(([key, value]) => `${key} = ${value}`).join(", ");

function welcome({ role, words: texts, curves: columns, settings, model: traits }) {
  words = texts;
  curves = columns;
  find("log").append(words.log);
  model = new Model(traits);
  panel.render({ model, el: find("picture") });
  if (role === "watch") return;
  const tools = find("tools");
  const field = (parent, text, most) =>
    make(parent, "input", "", { "aria-label": text, placeholder: text, ...(most ? { maxlength: most } : {}) });
  const who = field(tools, words.name, 40);
  who.value = name;
  who.addEventListener("change", () => {
    localStorage.setItem("gw-name", who.value);
    location.reload();
  });
  if (role === "steer") {
    for (const act of ["play", "pause", "step"]) makeButton(tools, "", words[act], () => send({ act }));
  }
  const form = make(tools, "form");
  const setting = make(form, "select", "", { "aria-label": words.setting });
  setOptions(
    setting,
    Object.keys(settings)
      .filter((each) => each !== "data" && each !== "seed")
      .map((each) => [each, each]),
  );
  const value = field(form, words.value);
  const reason = field(form, words.reason, 300);
  make(form, "button", "", {}, role === "steer" ? words.set : words.send);
  const show = () => {
    value.value = String(settings[setting.value]);
  };
  setting.value = Object.keys(settings).find((each) => each.startsWith("lr_"));
  setting.addEventListener("change", show);
  show();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const type = typeof settings[setting.value];
    const given = type === "number" ? Number(value.value) : type === "boolean" ? value.value === "true" : value.value;
    const changes = { [setting.value]: given };
    send(role === "steer" ? { set: changes } : { propose: { changes, reason: reason.value } });
    reason.value = "";
  });
  tools.dataset.votes = "yes";
}

function showProposals(all) {
  const place = find("proposals");
  place.replaceChildren();
  if (!all.length) return;
  make(place, "h2", "", {}, words.proposals);
  const list = make(place, "ul");
  for (const each of all) {
    const row = make(list, "li");
    make(row, "b", "", {}, `${each.name}: ${described(each.changes)}`);
    make(row, "span", "", {}, each.reason);
    if (find("tools").dataset.votes) {
      makeButton(row, "", `${words.vote} (${each.votes})`, () => send({ vote: each.index }));
    }
  }
}

function showLanes(all, columns) {
  const place = find("lanes");
  place.replaceChildren();
  if (!all.length) return;
  make(place, "h2", "", {}, words.lanes);
  for (const each of all) {
    const figure = make(place, "figure");
    make(figure, "figcaption", "", {}, `${each.name}: ${described(each.changes)}`);
    drawLosses(make(figure, "canvas", "gw-class-lane", { role: "img" }), each.losses, words, columns);
  }
}

function showFrame(data) {
  const length = new DataView(data).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  let at = 4 + length;
  const buffers = header.lengths.map((bytes) => {
    at += bytes;
    return new DataView(data, at - bytes, bytes);
  });
  find("status").textContent = `${header.status} \u00b7 ${words.iteration} ${header.iteration}`;
  if (header.frame.parts.length || header.frame.keep.length) model.notify("msg:custom", { frame: header.frame }, buffers);
  curves = header.curves;
  losses = header.anew ? header.rows : losses.concat(header.rows);
  drawLosses(find("curves"), losses, words, curves, find("log").querySelector("input").checked);
  if (header.ask) requestAnimationFrame(() => send({ ack: true }));
}

socket.addEventListener("open", () => send({ name }));
socket.addEventListener("close", () => {
  find("status").textContent = words.lost ?? "This address is not valid any more.";
});
socket.addEventListener("message", ({ data }) => {
  if (typeof data !== "string") {
    showFrame(data);
    return;
  }
  const content = JSON.parse(data);
  if (content.welcome) welcome(content.welcome);
  if (content.proposals) showProposals(content.proposals);
  if ("question" in content) question.show(content.question, words);
  if (content.lanes) showLanes(content.lanes, content.curves);
  if (content.refused) find("refused").textContent = content.refused;
});
