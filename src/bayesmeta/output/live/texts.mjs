// @ts-check
/** Numbers, intervals and probabilities as text. */
import { ceil, floor, log10, max, min } from "./engine/numbers.mjs";

const MINUS = "\u2212";

/**
 * A number with a fixed number of digits and a true minus sign.
 * @param {number} value
 * @param {number} [digits]
 */
export function numberText(value, digits = 2) {
  if (Number.isNaN(value)) return "\u2013";
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", MINUS);
}

/**
 * Digits with which an interval has two of its width.
 * @param {number} low
 * @param {number} high
 */
export function fineDigits(low, high) {
  const width = high - low;
  if (!(width > 0 && width < Infinity)) return 2;
  return max(2, min(6, ceil(1 - log10(width))));
}

/**
 * An estimate and its interval: `0.51 [0.24, 0.79]`.
 * @param {number} mean
 * @param {number} low
 * @param {number} high
 */
export function estimateText(mean, low, high) {
  const digits = fineDigits(low, high);
  return `${numberText(mean, digits)} ${intervalText(low, high)}`;
}

/**
 * An interval.
 * @param {number} low
 * @param {number} high
 * @param {number} [digits]
 */
export function intervalText(low, high, digits = fineDigits(low, high)) {
  return `[${numberText(low, digits)}, ${numberText(high, digits)}]`;
}

/**
 * A probability that never reads as 0 or 1.
 * @param {number} p
 */
export function probabilityText(p) {
  if (Number.isNaN(p)) return "\u2013";
  if (p < 0.001) return "< .001";
  if (p > 0.999) return "> .999";
  return p.toFixed(p >= 0.05 && p <= 0.95 ? 2 : 3).replace(/^0/, "");
}

/**
 * A probability with its sign: `= .93`, `> .999`.
 * @param {number} p
 */
export function chanceText(p) {
  const text = probabilityText(p);
  return /^[.1]/.test(text) ? `= ${text}` : text;
}

/**
 * Round numbers in a range, about `count` of them.
 * @param {number} low
 * @param {number} high
 * @param {number} count
 */
export function ticksOf(low, high, count) {
  const rough = (high - low) / max(count, 1);
  const power = 10 ** floor(log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  const ticks = [];
  for (let i = ceil(low / step); i * step <= high + 1e-9 * step; i++) ticks.push(i * step);
  return { ticks, digits: max(0, -floor(log10(step) + 1e-9)) };
}
