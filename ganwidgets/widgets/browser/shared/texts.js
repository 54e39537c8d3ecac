// Texts with gaps and numbers as people read them. Read before the script of a widget that needs them.

/** Fill the gaps of a text, `{name}`, with values. */
const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);

/** Write a number's minus as one. */
const minus = (text) => text.replace("-", "\u2212");

/** Write a count with thin spaces between thousands. */
const spaced = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");

/** Write a share in per cent. */
const percent = (share) => `${Math.round(100 * share)}\u202f%`;
