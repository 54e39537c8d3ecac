// Elements of the page. Read before the script of a widget that makes many.

/** Return an element, appended to `parent`. */
function make(parent, tag, className, attributes = {}, namespace = null) {
  const element = namespace ? document.createElementNS(namespace, tag) : document.createElement(tag);
  element.setAttribute("class", className);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
  return element;
}
