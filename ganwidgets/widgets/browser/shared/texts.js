// Texts with gaps, and numbers as people read them.

/** Fill the gaps of a text, `{name}`, with values. */
export const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);

/** Write a number's minus as one. */
export const minus = (text) => text.replace("-", "\u2212");

/** Write a number with at most `digits` digits that count. */
export const brief = (value, digits = 3) => minus(Number(value.toPrecision(digits)).toString());

/** Write a count with thin spaces between thousands. */
export const spaced = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");

/** Write a share in per cent. */
export const percent = (share) => `${Math.round(100 * share)}\u202f%`;
