// @ts-check
/** Rules of Gauss and Legendre over the taus, and the box where they begin. */

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
 * Nodes and weights of Gauss and Legendre on (-1, 1), ascending.
 * @param {number} order
 * @returns {[Float64Array, Float64Array]}
 */
export function leggauss(order) {
  const known = knownRules.get(order);
  if (known) return known;
  const nodes = new Float64Array(order);
  const weights = new Float64Array(order);
  for (let i = 0; i < Math.ceil(order / 2); i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (order + 0.5));
    let slope = 0;
    for (let turn = 0; turn < 100; turn++) {
      let before = 1;
      let value = x;
      for (let n = 2; n <= order; n++) [before, value] = [value, ((2 * n - 1) * x * value - (n - 1) * before) / n];
      slope = (order * (x * value - before)) / (x * x - 1);
      const step = value / slope;
      x -= step;
      if (Math.abs(step) < 1e-16) break;
    }
    if (2 * i + 1 === order) x = 0;
    nodes[i] = -x;
    nodes[order - 1 - i] = x;
    weights[i] = weights[order - 1 - i] = 2 / ((1 - x * x) * slope * slope);
  }
  knownRules.set(order, [nodes, weights]);
  return [nodes, weights];
}

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
  let logWeight = new Float64Array(1);
  for (let axis = 0; axis < axes; axis++) {
    const [low, high] = ranges(placed.map((outer) => outer.points));
    const points = new Float64Array(low.length * order);
    const weights = new Float64Array(low.length * order);
    for (let row = 0; row < low.length; row++) {
      const half = (high[row] - low[row]) / 2;
      for (let i = 0; i < order; i++) {
        points[row * order + i] = low[row] + half * (unit[i] + 1);
        weights[row * order + i] = logWeight[row] + Math.log(half * weight[i]);
      }
    }
    placed.push({ low, high, points });
    logWeight = weights;
  }
  return { order, axes: placed, logWeight };
}

/**
 * The same range in every row of an axis.
 * @type {(low: number[], high: number[]) => Ranges}
 */
function box(low, high) {
  return (outer) => {
    const rows = outer.length ? outer[outer.length - 1].length : 1;
    return [new Float64Array(rows).fill(low[outer.length]), new Float64Array(rows).fill(high[outer.length])];
  };
}

const FARTHEST = 30; // sinh(30) is 5e12
const KEPT = 0.65; // share of every side that the last round keeps
const ROUNDS = 40;
const UNBOUND = "the data and the prior do not bound the taus: take a narrower prior, or leave out a level";

/** What a reader asked for cannot be computed. */
export class BadInput extends Error {}

/**
 * Find the box around the nodes within `drop` of the highest log density; return its evaluation.
 * @type {(evaluate: (rule: Rule) => import("./grid.mjs").Grid, axes: number, drop: number, order: number) => import("./grid.mjs").Grid}
 */
export function zoom(evaluate, axes, drop, order) {
  let low = new Array(axes).fill(0);
  let high = new Array(axes).fill(FARTHEST);
  let grid;
  for (let turn = 0; turn < ROUNDS; turn++) {
    grid = evaluate(place(order, axes, box(low, high)));
    if (turn === 0) refuseEndless(grid.logDensity, axes, order, drop);
    const ends = near(grid.logDensity, low, high, drop, order);
    if (ends.low.every((end, axis) => ends.high[axis] - end > KEPT * (high[axis] - low[axis]))) break;
    ({ low, high } = ends);
  }
  return /** @type {import("./grid.mjs").Grid} */ (grid);
}

/**
 * The highest value at every node of an axis, over all other axes (axes, n).
 * @param {Float64Array} values
 * @param {number} axes
 * @param {number} order
 */
function along(values, axes, order) {
  const highest = Array.from({ length: axes }, () => new Float64Array(order).fill(-Infinity));
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
 * @type {(logDensity: Float64Array, axes: number, order: number, drop: number) => void}
 */
function refuseEndless(logDensity, axes, order, drop) {
  for (const highest of along(logDensity, axes, order)) {
    const finite = highest.filter(Number.isFinite);
    if (!finite.length || finite[finite.length - 1] > maximum(finite) - drop) throw new BadInput(UNBOUND);
  }
}

/** @param {ArrayLike<number>} values */
export function maximum(values) {
  let highest = -Infinity;
  for (let i = 0; i < values.length; i++) if (values[i] > highest) highest = values[i];
  return highest;
}

/**
 * The part of a box within `drop` of the peak, with a spare node on every side.
 * @param {Float64Array} logDensity
 * @param {number[]} low
 * @param {number[]} high
 * @param {number} drop
 * @param {number} order
 */
function near(logDensity, low, high, drop, order) {
  const [unit] = leggauss(order);
  const limit = maximum(logDensity) - drop;
  const ends = { low: /** @type {number[]} */ ([]), high: /** @type {number[]} */ ([]) };
  along(logDensity, low.length, order).forEach((highest, axis) => {
    const inside = [...highest.keys()].filter((at) => highest[at] > limit);
    const x = Array.from(unit, (node) => low[axis] + ((high[axis] - low[axis]) * (node + 1)) / 2);
    const edges = [low[axis], ...x, high[axis]]; // node i is edge i + 1
    ends.low.push(edges[inside[0]]);
    ends.high.push(edges[inside[inside.length - 1] + 2]);
  });
  return ends;
}
