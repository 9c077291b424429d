// @ts-check
/** A forest, and the axis of a picture, in SVG. */
import { ceil, floor, max, min, sqrt } from "./engine/numbers.mjs";
import { s } from "./elements.mjs";
import { numberText, ticksOf } from "./texts.mjs";

const NARROW = 560; // px, below which a label stands above its line
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
 * A forest: rows of labels, intervals and texts.
 * @param {ForestRow[]} rows
 * @param {{width: number, label: string, axis: string, zero: boolean, rope?: number}} options
 */
export function forest(rows, { width, label, axis, zero, rope = 0 }) {
  const narrow = width < NARROW;
  const longest = max(0, ...rows.map((row) => row.label.length));
  const left = narrow ? 8 : min(7 * longest + 14, 0.38 * width);
  const right = rows.some((row) => row.text) ? 138 : 12;
  const perMark = 11;
  const heights = rows.map((row) => (narrow ? 18 : 8) + max(row.marks.length, 1) * perMark);
  const ends = rows.flatMap((row) => row.marks.flatMap((of) => [of.low, of.high]));
  const shown = ends.filter(Number.isFinite).sort((a, b) => a - b);
  let low = shown.length ? shown[floor(0.01 * (shown.length - 1))] : -1;
  let high = shown.length ? shown[ceil(0.99 * (shown.length - 1))] : 1;
  if (zero) [low, high] = [min(low, -rope), max(high, rope)];
  const pad = 0.04 * (high - low || 1);
  [low, high] = [low - pad, high + pad];
  const x = (/** @type {number} */ value) => left + ((value - low) / (high - low)) * (width - left - right);
  const inside = (/** @type {number} */ value) => min(max(x(value), left), width - right);
  const top = rows.length > LONG ? 22 : 0;
  const bottom = heights.reduce((sum, height) => sum + height, top + 6);
  const count = (width - left - right) / 70;
  const picture = s("svg", { viewBox: `0 0 ${width} ${bottom + 34}`, width, height: bottom + 34, role: "img", "aria-label": label });
  if (zero && rope > 0) picture.append(s("rect", { class: "rope", x: inside(-rope), y: 0, width: inside(rope) - inside(-rope), height: bottom }));
  if (zero) picture.append(s("line", { class: "zero", x1: x(0), x2: x(0), y1: 0, y2: bottom }));
  if (top) picture.append(axisOf(low, high, x, 4, count));
  let y = top + 4;
  rows.forEach((row, at) => {
    const middle = y + (narrow ? 18 : 4) + (row.marks.length * perMark) / 2;
    const group = s("g", { class: "row", click: row.toggle });
    if (row.toggle) group.append(s("title", {}, `${row.label}: click to leave it out, or to count it again`));
    group.append(s("rect", { class: "hit", x: 0, y, width, height: heights[at] }));
    const fits = narrow ? floor((width - right) / 7) : floor((left - 10) / 6.6);
    const name = row.label.length > fits ? `${row.label.slice(0, max(fits - 1, 1))}\u2026` : row.label;
    group.append(s("text", { x: 6, y: narrow ? y + 12 : middle + 4 }, name));
    row.marks.forEach((of, place) => {
      const lineY = y + (narrow ? 18 : 4) + (place + 0.5) * perMark;
      if (of.prediction) {
        const [from, to] = of.prediction.map(inside);
        group.append(s("line", { class: `prediction ${of.source}`, x1: from, x2: to, y1: lineY, y2: lineY }));
      }
      group.append(s("line", { class: `interval ${of.source}`, x1: inside(of.low), x2: inside(of.high), y1: lineY, y2: lineY }));
      if (of.low < low) group.append(s("text", { class: "cut", x: left - 1, y: lineY + 4, "text-anchor": "middle" }, "\u2039"));
      if (of.high > high) group.append(s("text", { class: "cut", x: width - right + 1, y: lineY + 4, "text-anchor": "middle" }, "\u203a"));
      const half = 3.2 * sqrt(row.size ?? 1) + 0.8;
      if (of.mean >= low && of.mean <= high) {
        group.append(s("rect", { class: `point ${of.source}`, x: x(of.mean) - half, y: lineY - half, width: 2 * half, height: 2 * half }));
      }
    });
    if (row.text) group.append(s("text", { class: "number", x: width - 4, y: middle + 4, "text-anchor": "end" }, row.text));
    picture.append(group);
    y += heights[at];
  });
  picture.append(axisOf(low, high, x, bottom, count));
  picture.append(s("text", { class: "axis", x: left, y: bottom + 31 }, axis));
  return picture;
}

/**
 * An axis below a picture.
 * @param {number} low
 * @param {number} high
 * @param {(value: number) => number} x
 * @param {number} y
 * @param {number} count
 */
export function axisOf(low, high, x, y, count) {
  const { ticks, digits } = ticksOf(low, high, count);
  const axis = s("g", { class: "axis" }, s("line", { x1: x(low), x2: x(high), y1: y, y2: y }));
  for (const tick of ticks) {
    axis.append(s("line", { x1: x(tick), x2: x(tick), y1: y, y2: y + 4 }));
    axis.append(s("text", { x: x(tick), y: y + 16, "text-anchor": "middle" }, numberText(tick, digits)));
  }
  return axis;
}
