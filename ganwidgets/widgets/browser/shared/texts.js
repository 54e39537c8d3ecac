// Texts with placeholders, and numbers formatted for readers.

/** Replace the placeholders `{name}` of a text by values. */
export const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);

/** Replace the hyphen of a negative number by a minus sign. */
export const minus = (text) => text.replace("-", "\u2212");

/** Write a number with at most `digits` significant digits. */
export const brief = (value, digits = 3) => minus(Number(value.toPrecision(digits)).toString());

/** Write a count with thin spaces between thousands. */
export const spaced = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");

/** Write a share in per cent. */
export const percent = (share) => `${Math.round(100 * share)}\u202f%`;
