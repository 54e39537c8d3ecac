// Elements of the page.

export const SVG = "http://www.w3.org/2000/svg";

function completed(element, parent, className, attributes, text) {
  if (className) element.setAttribute("class", className);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== "") element.textContent = text;
  parent?.append(element);
  return element;
}

/** Return an HTML element, appended to `parent` unless that is null. */
export function make(parent, tag, className = "", attributes = {}, text = "") {
  return completed(document.createElement(tag), parent, className, attributes, text);
}

/** Return an SVG element, appended to `parent` unless that is null. */
export function makeSvg(parent, tag, className = "", attributes = {}, text = "") {
  return completed(document.createElementNS(SVG, tag), parent, className, attributes, text);
}

/** Return a button that calls `act` when it is clicked. */
export function makeButton(parent, className, text, act, attributes = {}) {
  const button = make(parent, "button", className, { type: "button", ...attributes }, text);
  button.addEventListener("click", act);
  return button;
}

/** Replace the options of a list by pairs of a value and its text. */
export function setOptions(select, pairs) {
  select.replaceChildren(...pairs.map(([value, text]) => make(null, "option", "", { value }, text)));
}
