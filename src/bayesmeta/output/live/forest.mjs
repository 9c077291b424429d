// @ts-check
/** A forest, and the axis of a picture, in SVG. */
import { ceil, floor, isFinite, max, min, sqrt, sumOf } from "./engine/numbers.mjs";
import { box, line, picture, s, text } from "./elements.mjs";
import { numberText, ticksOf } from "./texts.mjs";

export const Z = 1.959963984540054; // 97.5 % point of the standard normal distribution
const NARROW = 560; // px, below which a label stands above its line
const LINE = 11; // px between the lines of a row
const LONG = 30; // rows, above which the axis also stands at the top

/**
 * A line of a picture: estimate, interval and prediction interval of a source.
 * @typedef {object} Mark
 * @property {number} mean
 * @property {number} low
 * @property {number} high
 * @property {string} source class of its style: yours, report, published
 * @property {number[]} [prediction]
 */

/**
 * A row of a forest.
 * @typedef {object} ForestRow
 * @property {string} label
 * @property {Mark[]} marks
 * @property {string} [text] at the right
 * @property {() => void} [toggle] called by a click
 * @property {number} [size] area of the square, relative to the largest
 */

/**
 * Return the mark of a summary.
 * @param {{mean: number, quantiles: number[], prediction?: number[]}} summary
 * @param {string} source
 * @returns {Mark}
 */
export const markOf = ({ mean, quantiles: [low, , high], prediction }, source) => ({ mean, low, high, prediction, source });

/**
 * Return the ends of an axis: nearly all values lie between them, and all that must be shown.
 * @param {number[]} values
 * @param {number[]} shown
 */
export function rangeOf(values, shown) {
  const known = values.filter(isFinite).sort((a, b) => a - b);
  const last = known.length - 1;
  const low = min(known[floor(0.01 * last)] ?? -1, ...shown);
  const high = max(known[ceil(0.99 * last)] ?? 1, ...shown);
  const pad = 0.04 * (high - low || 1);
  return [low - pad, high + pad];
}

/**
 * Draw a forest: rows of labels, intervals and texts.
 * @param {ForestRow[]} rows
 * @param {{width: number, label: string, axis: string, zero: boolean, rope?: number}} options
 */
export function forest(rows, { width, label, axis, zero, rope = 0 }) {
  const narrow = width < NARROW;
  const longest = max(0, ...rows.map((row) => row.label.length));
  const left = narrow ? 8 : min(7 * longest + 14, 0.38 * width);
  const end = width - (rows.some((row) => row.text) ? 138 : 12);
  const first = narrow ? 18 : 4; // px from the top of a row to its first line
  const heights = rows.map((row) => first + (narrow ? 0 : 4) + max(row.marks.length, 1) * LINE);
  const ends = rows.flatMap((row) => row.marks.flatMap((of) => [of.low, of.high]));
  const [low, high] = rangeOf(ends, zero ? [-rope, rope] : []);
  const x = (/** @type {number} */ value) => left + ((value - low) / (high - low)) * (end - left);
  const inside = (/** @type {number} */ value) => min(max(x(value), left), end);
  const top = rows.length > LONG ? 22 : 0;
  const bottom = top + 6 + sumOf(heights);
  const count = (end - left) / 70;
  const drawn = picture(width, bottom + 34, label);
  if (zero && rope > 0) drawn.append(box("rope", inside(-rope), 0, inside(rope) - inside(-rope), bottom));
  if (zero) drawn.append(line("zero", x(0), 0, x(0), bottom));
  if (top) drawn.append(axisOf(low, high, x, 4, count));
  let y = top + 4;
  rows.forEach((row, at) => {
    const middle = y + first + (row.marks.length * LINE) / 2;
    const group = s("g", { class: "row", click: row.toggle });
    if (row.toggle) group.append(s("title", {}, `${row.label}: click to leave it out, or to count it again`));
    const fits = floor(narrow ? end / 7 : (left - 10) / 6.6);
    const name = row.label.length > fits ? `${row.label.slice(0, max(fits - 1, 1))}\u2026` : row.label;
    group.append(box("hit", 0, y, width, heights[at]), text("", 6, narrow ? y + 12 : middle + 4, name, "start"));
    row.marks.forEach((of, place) => {
      const { source } = of;
      const lineY = y + first + (place + 0.5) * LINE;
      const between = (/** @type {string} */ kind, /** @type {number[]} */ [from, to]) =>
        group.append(line(`${kind} ${source}`, inside(from), lineY, inside(to), lineY));
      if (of.prediction) between("prediction", of.prediction);
      between("interval", [of.low, of.high]);
      if (of.low < low) group.append(text("cut", left - 1, lineY + 4, "\u2039"));
      if (of.high > high) group.append(text("cut", end + 1, lineY + 4, "\u203a"));
      const half = 3.2 * sqrt(row.size ?? 1) + 0.8;
      if (of.mean >= low && of.mean <= high) group.append(box(`point ${source}`, x(of.mean) - half, lineY - half, 2 * half, 2 * half));
    });
    if (row.text) group.append(text("number", width - 4, middle + 4, row.text, "end"));
    drawn.append(group);
    y += heights[at];
  });
  drawn.append(axisOf(low, high, x, bottom, count), text("axis", left, bottom + 31, axis, "start"));
  return drawn;
}

/**
 * Draw an axis below a picture.
 * @param {number} low
 * @param {number} high
 * @param {(value: number) => number} x
 * @param {number} y
 * @param {number} count
 */
export function axisOf(low, high, x, y, count) {
  const { ticks, digits } = ticksOf(low, high, count);
  return s("g", { class: "axis" }, line("", x(low), y, x(high), y),
    ...ticks.flatMap((tick) => [line("", x(tick), y, x(tick), y + 4), text("", x(tick), y + 16, numberText(tick, digits))]));
}
