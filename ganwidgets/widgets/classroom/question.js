// The question to a class: answers to choose from, a curve to draw, and later the actual result.

import { make } from "../browser/shared/elements.js";
import { clamp } from "../browser/shared/numbers.js";
import { fill } from "../browser/shared/texts.js";
import { drawExpectation } from "./charts.js";

/** Number of values of a drawn curve. */
const POINTS = 32;

/** Return values without gaps: a missing one is its neighbour. */
function filled(values) {
  let last = values.find((each) => each !== null);
  return values.map((each) => (last = each ?? last));
}

/** The question of one class in the element `place`; `send(content)` reaches the server. */
export class Question {
  constructor(place, send) {
    this.place = place;
    this.send = send;
    this.drawn = null;
    this.asked = "";
  }

  /** Show a question and what is known of its answers; nothing if `content` is null. */
  show(content, words) {
    if (!content) {
      this.place.replaceChildren();
      return;
    }
    const key = content.text + content.answers.join();
    if (key !== this.asked) {
      this.asked = key;
      this.ask(content, words);
    }
    this.place.querySelector("fieldset").disabled = content.actual.length > 0;
    this.showPredictions(content, words);
  }

  ask(content, words) {
    this.drawn = null;
    this.place.replaceChildren();
    make(this.place, "h2", "", {}, words.question);
    const choices = make(this.place, "fieldset");
    make(choices, "legend", "", {}, content.text);
    content.answers.forEach((answer, index) => {
      const label = make(choices, "label");
      const box = make(label, "input", "", { type: "radio", name: "gw-answer" });
      label.append(answer);
      box.addEventListener("change", () => {
        this.send({ answer: index });
        confirmation.textContent = words.answered;
      });
    });
    const hint = fill(words.draw, { curve: words[content.curve] });
    make(this.place, "p", "", {}, hint);
    const canvas = make(this.place, "canvas", "gw-class-drawing", { role: "img", "aria-label": hint });
    this.takeCurve(canvas, content.axis);
    const confirmation = make(this.place, "p", "gw-class-confirmation", { role: "status" });
    make(this.place, "div", "gw-class-predictions");
    drawExpectation(canvas, null, [], content.axis);
  }

  takeCurve(canvas, axis) {
    const [low, high] = axis;
    const values = Array(POINTS).fill(null);
    const put = (event) => {
      if (!event.buttons) return;
      const box = canvas.getBoundingClientRect();
      const at = Math.round(((event.clientX - box.left) / box.width) * (POINTS - 1));
      if (at !== clamp(at, 0, POINTS - 1)) return;
      values[at] = clamp(high - ((high - low) * (event.clientY - box.top)) / box.height, low, high);
      this.drawn = filled(values);
      drawExpectation(canvas, this.drawn, [], axis);
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      put(event);
    });
    canvas.addEventListener("pointermove", put);
    canvas.addEventListener("pointerup", () => this.drawn && this.send({ draw: this.drawn }));
  }

  /** Show the predictions of the class and the actual result. */
  showPredictions(content, words) {
    const place = this.place.querySelector(".gw-class-predictions");
    place.replaceChildren();
    if (content.predictions) {
      const most = Math.max(1, ...content.predictions);
      make(place, "h2", "", {}, words.predictions);
      content.answers.forEach((answer, index) => {
        const value = content.predictions[index];
        const line = make(place, "p");
        make(line, "span", "", {}, answer);
        make(line, "meter", "", { min: 0, max: most, value, "aria-label": `${answer}: ${value}` });
        make(line, "b", "", {}, value);
      });
    }
    if (content.actual.length) drawExpectation(this.place.querySelector("canvas"), this.drawn, content.actual, content.axis);
    if (content.right !== null) make(place, "p", "", {}, fill(words.right, { answer: content.right }));
    if (content.gap !== null) make(place, "p", "", {}, fill(words.gap, { gap: content.gap.toFixed(2) }));
  }
}
