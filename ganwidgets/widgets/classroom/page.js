// The page of a class. It shows the panel of the notebook through a model that lives on this page only; the protocol
// is described in server.py. All texts that people supplied are set as textContent.

import panel from "./panel.js";

const find = (name) => document.querySelector(`.gw-class-${name}`);
const token = location.hash.slice(1);
// The token is exchanged for a cookie that no script can read, and leaves the address.
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

/** What a panel needs of a model: traits that stay on this page, and the frames as custom messages. */
class Model {
  constructor(traits) {
    this.traits = traits;
    this.heard = new Map();
  }
  get(key) {
    return this.traits[key];
  }
  set(key, value) {
    this.traits[key] = value;
    this.tell(`change:${key}`);
  }
  save_changes() {}
  send() {}
  on(event, act) {
    this.heard.set(event, [...(this.heard.get(event) ?? []), act]);
  }
  off(event, act) {
    this.heard.set(event, (this.heard.get(event) ?? []).filter((each) => each !== act));
  }
  tell(event, ...values) {
    for (const act of this.heard.get(event) ?? []) act(...values);
  }
}

let model;
let words = {};

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function welcome({ role, words: texts, settings, model: traits }) {
  words = texts;
  model = new Model(traits);
  panel.render({ model, el: find("picture") });
  const tools = find("tools");
  if (role === "watch") return;
  const who = element("input", { value: name, placeholder: words.name, ariaLabel: words.name, maxLength: 40 });
  who.addEventListener("change", () => {
    localStorage.setItem("gw-name", who.value);
    location.reload();
  });
  tools.append(who);
  if (role === "steer") {
    for (const act of ["play", "pause", "step"]) {
      const button = element("button", { type: "button", textContent: words[act] });
      button.addEventListener("click", () => send({ act }));
      tools.append(button);
    }
  }
  const names = Object.keys(settings).filter((each) => each !== "data" && each !== "seed");
  const setting = element("select", { ariaLabel: words.setting }, ...names.map((each) => new Option(each)));
  const value = element("input", { ariaLabel: words.value, placeholder: words.value });
  const reason = element("input", { ariaLabel: words.reason, placeholder: words.reason, maxLength: 300 });
  const form = element("form", {}, setting, value, reason, element("button", { textContent: role === "steer" ? words.set : words.send }));
  const show = () => {
    value.value = String(settings[setting.value]);
  };
  setting.value = "lr_d";
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
  tools.append(form);
  tools.dataset.votes = "yes";
}

function proposals(all) {
  const list = element("ul");
  for (const each of all) {
    const what = Object.entries(each.changes).map(([key, value]) => `${key} = ${value}`).join(", ");
    const row = element("li", {}, element("b", { textContent: `${each.name}: ${what}` }), element("span", { textContent: each.reason }));
    if (find("tools").dataset.votes) {
      const vote = element("button", { type: "button", textContent: `${words.vote} (${each.votes})` });
      vote.addEventListener("click", () => send({ vote: each.index }));
      row.append(vote);
    }
    list.append(row);
  }
  find("proposals").replaceChildren(...(all.length ? [element("h2", { textContent: words.proposals }), list] : []));
}

const POINTS = 32;
let drawn = null;
let asked = "";

/** Show the question, what the class expects, and afterwards what happened. */
function question(content) {
  const place = find("question");
  if (!content) {
    place.replaceChildren();
    return;
  }
  const over = content.actual.length > 0;
  const key = content.text + content.answers.join();
  if (key !== asked) {
    asked = key;
    drawn = null;
    const told = element("p", { className: "gw-class-told" });
    told.setAttribute("role", "status");
    const choices = element("fieldset", {}, element("legend", { textContent: content.text }));
    content.answers.forEach((answer, index) => {
      const box = element("input", { type: "radio", name: "gw-answer" });
      box.addEventListener("change", () => {
        send({ answer: index });
        told.textContent = words.answered;
      });
      choices.append(element("label", {}, box, answer));
    });
    const hint = words.draw.replace("{curve}", words[content.curve]);
    const canvas = element("canvas", { className: "gw-class-drawing" });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", hint);
    const values = Array(POINTS).fill(null);
    const put = (event) => {
      if (!event.buttons) return;
      const box = canvas.getBoundingClientRect();
      const at = Math.round(((event.clientX - box.left) / box.width) * (POINTS - 1));
      if (at < 0 || at >= POINTS) return;
      values[at] = Math.max(0, 3 * (1 - (event.clientY - box.top) / box.height));
      drawn = filled(values);
      sketch(canvas, drawn, []);
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      put(event);
    });
    canvas.addEventListener("pointermove", put);
    canvas.addEventListener("pointerup", () => drawn && send({ draw: drawn }));
    place.replaceChildren(element("h2", { textContent: words.question }), choices, element("p", { textContent: hint }), canvas, told, element("div", { className: "gw-class-predictions" }));
    sketch(canvas, null, []);
  }
  place.querySelector("fieldset").disabled = over;
  const bars = place.querySelector(".gw-class-predictions");
  bars.replaceChildren();
  if (content.predictions) {
    const most = Math.max(1, ...content.predictions);
    bars.append(element("h2", { textContent: words.predictions }));
    content.answers.forEach((answer, index) => {
      const count = content.predictions[index];
      const bar = element("meter", { min: 0, max: most, value: count });
      bar.setAttribute("aria-label", `${answer}: ${count}`);
      bars.append(element("p", {}, element("span", { textContent: answer }), bar, element("b", { textContent: String(count) })));
    });
  }
  if (over) sketch(place.querySelector("canvas"), drawn, content.actual);
  if (content.right !== null) bars.append(element("p", { textContent: words.right.replace("{answer}", content.right) }));
  if (content.gap !== null) bars.append(element("p", { textContent: words.gap.replace("{gap}", content.gap.toFixed(2)) }));
}

/** Values between and beyond those that were drawn are their neighbours'. */
function filled(values) {
  let last = values.find((each) => each !== null);
  return values.map((each) => (last = each ?? last));
}

function sketch(canvas, expected, actual) {
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  pen.scale(scale, scale);
  pen.font = "13px system-ui, sans-serif";
  pen.fillStyle = style.color;
  pen.fillText("3", 2, 14);
  pen.fillText("0", 2, height - 4);
  const y = (value) => height * (1 - Math.min(3, Math.max(0, value)) / 3);
  const line = (values, color, dash) => {
    pen.strokeStyle = color;
    pen.lineWidth = 3;
    pen.setLineDash(dash);
    pen.beginPath();
    values.forEach((value, at) => value !== null && pen.lineTo((at / (values.length - 1)) * width, y(value)));
    pen.stroke();
  };
  if (expected && actual.length) {
    pen.globalAlpha = 0.25;
    pen.beginPath();
    expected.forEach((value, at) => pen.lineTo((at / (POINTS - 1)) * width, y(value)));
    [...actual].reverse().forEach((value, at) => pen.lineTo(width * (1 - at / (actual.length - 1)), y(value ?? 0)));
    pen.fill();
    pen.globalAlpha = 1;
  }
  if (expected) line(expected, style.color, [6, 4]);
  if (actual.length) line(actual, style.getPropertyValue("--gw-d"), []);
}

function lanes(all) {
  const place = find("lanes");
  place.replaceChildren(...(all.length ? [element("h2", { textContent: words.lanes })] : []));
  for (const each of all) {
    const what = Object.entries(each.changes).map(([key, value]) => `${key} = ${value}`).join(", ");
    const canvas = element("canvas", { className: "gw-class-lane" });
    canvas.setAttribute("role", "img");
    place.append(element("figure", {}, element("figcaption", { textContent: `${each.name}: ${what}` }), canvas));
    curves(each.losses, canvas);
  }
}

function curves(losses, canvas = find("curves")) {
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  pen.scale(scale, scale);
  pen.font = "13px system-ui, sans-serif";
  const values = losses.flatMap(([, d, g]) => [d, g]).filter((each) => each !== null).sort((a, b) => a - b);
  if (!values.length) return;
  const [low, high] = [Math.min(0, values[0]), values[Math.floor(0.98 * (values.length - 1))] * 1.1 || 1];
  const [first, last] = [losses[0][0], losses.at(-1)[0]];
  const x = (at) => 40 + ((at - first) / Math.max(1, last - first)) * (width - 48);
  const y = (at) => height - 24 - ((Math.min(at, high) - low) / (high - low || 1)) * (height - 50);
  pen.fillStyle = style.color;
  pen.fillText(high.toFixed(2), 2, y(high) + 4);
  pen.fillText(low.toFixed(2), 2, y(low) + 4);
  pen.fillText(String(first), 40, height - 6);
  pen.fillText(String(last), width - 50, height - 6);
  [["--gw-d", "loss_d", []], ["--gw-g", "loss_g", [6, 4]]].forEach(([color, label, dash], number) => {
    pen.strokeStyle = pen.fillStyle = style.getPropertyValue(color);
    pen.lineWidth = 2;
    pen.setLineDash(dash);
    pen.beginPath();
    let broken = true;
    for (const row of losses) {
      const value = row[number + 1];
      if (value === null) broken = true;
      else {
        pen[broken ? "moveTo" : "lineTo"](x(row[0]), y(value));
        broken = false;
      }
    }
    pen.stroke();
    pen.fillText(words[label], 44 + 110 * number, 14);
  });
  canvas.setAttribute("aria-label", `${words.loss_d}: ${losses.at(-1)[1]}, ${words.loss_g}: ${losses.at(-1)[2]}`);
}

function frame(data) {
  const length = new DataView(data).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  let at = 4 + length;
  const buffers = header.lengths.map((bytes) => {
    at += bytes;
    return new DataView(data, at - bytes, bytes);
  });
  find("status").textContent = `${header.status} \u00b7 ${words.iteration} ${header.iteration}`;
  if (header.frame.parts.length || header.frame.keep.length) model.tell("msg:custom", { frame: header.frame }, buffers);
  curves(header.losses);
  requestAnimationFrame(() => send({ ack: true }));
}

socket.addEventListener("open", () => send({ name }));
socket.addEventListener("close", () => {
  find("status").textContent = words.lost ?? "This address is not valid any more.";
});
socket.addEventListener("message", ({ data }) => {
  if (typeof data !== "string") {
    frame(data);
    return;
  }
  const content = JSON.parse(data);
  if (content.welcome) welcome(content.welcome);
  if (content.proposals) proposals(content.proposals);
  if ("question" in content) question(content.question);
  if (content.lanes) lanes(content.lanes);
  if (content.refused) find("refused").textContent = content.refused;
});
