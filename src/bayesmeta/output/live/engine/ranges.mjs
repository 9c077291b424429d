// @ts-check
/** Ranges of a rule that follow the mass of a density. */
import { max, maximum, min, zeros } from "./numbers.mjs";

/** @typedef {import("./rules.mjs").Rule} Rule */
/** @typedef {import("./rules.mjs").Ranges} Ranges */

/**
 * Return ranges of all nodes within `drop` of their row's peak, with spare nodes at the ends.
 * @type {(rule: Rule, logDensity: Float64Array, drop: number) => Ranges}
 */
export function follow(rule, logDensity, drop) {
  const { order, axes } = rule;
  const kept = axes.map((axis, depth) => {
    const inner = order ** (axes.length - depth - 1);
    const rows = axis.low.length;
    const low = zeros(rows);
    const high = zeros(rows);
    const highest = zeros(order);
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < order; i++) {
        const first = (row * order + i) * inner;
        highest[i] = maximum(logDensity.subarray(first, first + inner));
      }
      const limit = maximum(highest) - drop;
      let first = 0;
      let last = order - 1;
      while (first < order - 1 && !(highest[first] >= limit)) first++;
      while (last > 0 && !(highest[last] >= limit)) last--;
      const points = axis.points.subarray(row * order, (row + 1) * order);
      low[row] = first === 0 ? axis.low[row] : points[first - 1];
      high[row] = last === order - 1 ? axis.high[row] : points[last + 1];
    }
    return { low, high };
  });
  const points = axes.map((axis) => axis.points);
  return (outer) => {
    const { low, high } = kept[outer.length];
    return hull(points.slice(0, outer.length), low, high, outer, order);
  };
}

/**
 * Return ranges for new outer nodes: the hull over the old rows on either side.
 * @param {Float64Array[]} points of the old rule, `order` in a row
 * @param {Float64Array} low
 * @param {Float64Array} high
 * @param {Float64Array[]} outer
 * @param {number} order
 * @returns {[Float64Array, Float64Array]}
 */
function hull(points, low, high, outer, order) {
  if (!outer.length) return [low, high];
  const news = outer[0].length;
  const rows = outer[outer.length - 1].length;
  const lows = zeros(rows);
  const highs = zeros(rows);
  for (let at = 0; at < news; at++) {
    let right = 0;
    while (right < order && points[0][right] < outer[0][at]) right++;
    right = min(max(right, 1), order - 1);
    if (outer.length === 1) {
      lows[at] = min(low[right - 1], low[right]);
      highs[at] = max(high[right - 1], high[right]);
      continue;
    }
    const inner = outer[1].subarray(at * news, (at + 1) * news);
    const sides = [right - 1, right].map((row) => {
      const part = (/** @type {Float64Array} */ values) => values.subarray(row * order, (row + 1) * order);
      return hull([part(points[1])], part(low), part(high), [inner], order);
    });
    for (let i = 0; i < news; i++) {
      lows[at * news + i] = min(sides[0][0][i], sides[1][0][i]);
      highs[at * news + i] = max(sides[0][1][i], sides[1][1][i]);
    }
  }
  return [lows, highs];
}
