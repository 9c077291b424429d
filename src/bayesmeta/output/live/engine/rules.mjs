// @ts-check
/** Rules of Gauss and Legendre over the taus, and the box where they begin. */
import { PI, abs, ceil, cos, isFinite, log, maximum, zeros } from "./numbers.mjs";

/**
 * An axis: ranges of its rows and their nodes.
 * @typedef {object} Axis
 * @property {Float64Array} low
 * @property {Float64Array} high
 * @property {Float64Array} points
 */

/**
 * A rule over d axes, outermost first, with n nodes in every row.
 * @typedef {object} Rule
 * @property {number} order n
 * @property {Axis[]} axes
 * @property {Float64Array} logWeight (n^d)
 */

/** @type {Map<number, [Float64Array, Float64Array]>} */
const knownRules = new Map();

/**
 * Return nodes and weights of Gauss and Legendre on (-1, 1), ascending.
 * @param {number} order
 * @returns {[Float64Array, Float64Array]}
 */
export function leggauss(order) {
  const known = knownRules.get(order);
  if (known) return known;
  const nodes = zeros(order);
  const weights = zeros(order);
  for (let i = 0; i < ceil(order / 2); i++) {
    let x = cos((PI * (i + 0.75)) / (order + 0.5));
    let slope = 0;
    for (let turn = 0; turn < 100; turn++) {
      let before = 1;
      let value = x;
      for (let n = 2; n <= order; n++) [before, value] = [value, ((2 * n - 1) * x * value - (n - 1) * before) / n];
      slope = (order * (x * value - before)) / (x * x - 1);
      const step = value / slope;
      x -= step;
      if (abs(step) < 1e-16) break;
    }
    if (2 * i + 1 === order) x = 0;
    nodes[i] = -x;
    nodes[order - 1 - i] = x;
    weights[i] = weights[order - 1 - i] = 2 / ((1 - x * x) * slope * slope);
  }
  knownRules.set(order, [nodes, weights]);
  return [nodes, weights];
}

/** Return the nodes of an order between two ends. @param {number} order @param {number} low @param {number} high */
export const nodesBetween = (order, low, high) => Array.from(leggauss(order)[0], (node) => low + ((high - low) * (node + 1)) / 2);

/**
 * Ranges low, high of the rows of an axis, from the nodes of the axes outside.
 * @typedef {(outer: Float64Array[]) => [Float64Array, Float64Array]} Ranges
 */

/**
 * Place the nodes of a rule.
 * @type {(order: number, axes: number, ranges: Ranges) => Rule}
 */
export function place(order, axes, ranges) {
  const [unit, weight] = leggauss(order);
  /** @type {Axis[]} */
  const placed = [];
  let logWeight = zeros(1);
  for (let axis = 0; axis < axes; axis++) {
    const [low, high] = ranges(placed.map((outer) => outer.points));
    const points = zeros(low.length * order);
    const weights = zeros(low.length * order);
    for (let row = 0; row < low.length; row++) {
      const half = (high[row] - low[row]) / 2;
      for (let i = 0; i < order; i++) {
        points[row * order + i] = low[row] + half * (unit[i] + 1);
        weights[row * order + i] = logWeight[row] + log(half * weight[i]);
      }
    }
    placed.push({ low, high, points });
    logWeight = weights;
  }
  return { order, axes: placed, logWeight };
}

/**
 * Return the same range in every row of an axis: that of the axis in a box.
 * @type {(box: number[][]) => Ranges}
 */
const everywhere = (box) => (outer) => {
  const [low, high] = box[outer.length].map((end) => zeros(outer.at(-1)?.length ?? 1).fill(end));
  return [low, high];
};

const FARTHEST = 30; // sinh(30) is 5e12
const KEPT = 0.65; // share of every side that the last round keeps
const ROUNDS = 40;
const UNBOUND = "the data and the prior do not bound the taus: take a narrower prior, or leave out a level";

/** Settings that cannot be computed. */
export class BadInput extends Error {}

/**
 * Find the box around the nodes within `drop` of the highest log density; return its evaluation.
 * @type {(evaluate: (rule: Rule) => import("./grid.mjs").Grid, axes: number, drop: number, order: number) => import("./grid.mjs").Grid}
 */
export function zoom(evaluate, axes, drop, order) {
  let box = new Array(axes).fill([0, FARTHEST]);
  let grid;
  for (let turn = 0; turn < ROUNDS; turn++) {
    grid = evaluate(place(order, axes, everywhere(box)));
    const highest = along(grid.logDensity, axes, order);
    if (turn === 0) refuseEndless(highest, drop);
    const larger = box;
    box = highest.map((values, axis) => around(nodesBetween(order, larger[axis][0], larger[axis][1]), values, larger[axis], drop));
    if (box.every(([low, high], axis) => high - low > KEPT * (larger[axis][1] - larger[axis][0]))) break;
  }
  return /** @type {import("./grid.mjs").Grid} */ (grid);
}

/**
 * Return the highest value at every node of an axis, over all other axes (axes, n).
 * @param {Float64Array} values
 * @param {number} axes
 * @param {number} order
 */
function along(values, axes, order) {
  const highest = Array.from({ length: axes }, () => zeros(order).fill(-Infinity));
  for (let node = 0; node < values.length; node++) {
    let rest = node;
    for (let axis = axes - 1; axis >= 0; axis--) {
      const at = rest % order;
      rest = (rest - at) / order;
      if (values[node] > highest[axis][at]) highest[axis][at] = values[node];
    }
  }
  return highest;
}

/**
 * Refuse a density that is not negligible before a tau is too large.
 * @type {(highest: Float64Array[], drop: number) => void}
 */
function refuseEndless(highest, drop) {
  for (const values of highest) {
    const finite = values.filter(isFinite);
    if (!finite.length || finite[finite.length - 1] > maximum(finite) - drop) throw new BadInput(UNBOUND);
  }
}

/**
 * Return the part of a range whose values are within `drop` of the highest, with a spare node on either side.
 * @type {(nodes: number[], values: ArrayLike<number>, range: number[], drop: number) => number[]}
 */
export function around(nodes, values, [low, high], drop) {
  const limit = maximum(values) - drop;
  const near = [...nodes.keys()].filter((at) => values[at] > limit);
  const edges = [low, ...nodes, high]; // node i is edge i + 1
  return [edges[near[0]], edges[near[near.length - 1] + 2]];
}
