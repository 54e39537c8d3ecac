// Arithmetic.

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export const mix = (a, b, share) => a + (b - a) * share;

/** Return the linear function that maps `from` to `low` and `to` to `high`. */
export const linear = (from, to, low, high) => (value) => low + ((value - from) / (to - from)) * (high - low);

export const finite = (values) => values.filter(Number.isFinite);

/** Return round numbers from `low` to `high`, about `count` of them, and the decimals needed to distinguish them. */
export function roundNumbers(low, high, count = 5) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find((each) => each * power >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (String(step).includes("25") ? 1 : 0));
  const numbers = [];
  for (let index = first; index <= last; index += 1) numbers.push(index * step);
  return { numbers, digits };
}
