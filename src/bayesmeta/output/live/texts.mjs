// @ts-check
/** Numbers, intervals and probabilities as text. */
import { ceil, floor, isNaN, log10, max, min } from "./engine/numbers.mjs";

const MINUS = "\u2212";
export const NONE = "\u2013";

/** Write a number as an input shows it. @param {number} value */
export const shortNumber = (value) => String(Number(value.toPrecision(6)));

/** Write a number as an input shows it, with a true minus sign. @param {number} value */
export const shortText = (value) => shortNumber(value).replace("-", MINUS);

/**
 * Write a number with a fixed number of digits and a true minus sign.
 * @param {number} value
 * @param {number} [digits]
 */
export function numberText(value, digits = 2) {
  if (isNaN(value)) return NONE;
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", MINUS);
}

/**
 * Return the digits with which an interval has two of its width.
 * @param {number} low
 * @param {number} high
 */
function fineDigits(low, high) {
  const width = high - low;
  if (!(width > 0 && width < Infinity)) return 2;
  return max(2, min(6, ceil(1 - log10(width))));
}

/**
 * Write an estimate and its interval: `0.51 [0.24, 0.79]`.
 * @param {number} mean
 * @param {number} low
 * @param {number} high
 */
export function estimateText(mean, low, high) {
  const digits = fineDigits(low, high);
  return `${numberText(mean, digits)} ${intervalText(low, high, digits)}`;
}

/** Write the mean and interval of a summary. @param {{mean: number, quantiles: number[]}} summary */
export const summaryText = ({ mean, quantiles }) => estimateText(mean, quantiles[0], quantiles[2]);

/**
 * Write an interval.
 * @param {number} low
 * @param {number} high
 * @param {number} [digits]
 */
export function intervalText(low, high, digits = fineDigits(low, high)) {
  return `[${numberText(low, digits)}, ${numberText(high, digits)}]`;
}

/**
 * Write a probability that never reads as 0 or 1.
 * @param {number} p
 */
export function probabilityText(p) {
  if (isNaN(p)) return NONE;
  if (p < 0.001) return "< .001";
  if (p > 0.999) return "> .999";
  return p.toFixed(p >= 0.05 && p <= 0.95 ? 2 : 3).replace(/^0/, "");
}

/**
 * Write a probability with its sign: `= .93`, `> .999`.
 * @param {number} p
 */
export function chanceText(p) {
  const text = probabilityText(p);
  return /^[.1]/.test(text) ? `= ${text}` : text;
}

/**
 * Return round numbers in a range, about `count` of them.
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
