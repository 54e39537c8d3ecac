// Arithmetic that several widgets need. Read before their scripts.

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const mix = (a, b, share) => a + (b - a) * share;
