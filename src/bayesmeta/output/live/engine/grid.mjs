// @ts-check
/** The density on a rule, and rules of growing order until they agree. */
import { abs, asFloats, cosh, exp, isFinite, isNaN, log, logSumExp, max, momentsOver, sinh, sumOf, zeros } from "./numbers.mjs";
import { densityOfTaus } from "./families.mjs";
import { condition, effectLevel, groupLevel, shared } from "./kernel.mjs";
import { follow } from "./ranges.mjs";
import { place, zoom } from "./rules.mjs";
import { tauCdf, tauMarginal } from "./taus.mjs";

/** @typedef {import("./arrays.mjs").Arrays} Arrays */
/** @typedef {import("./families.mjs").Taus} Taus */
/** @typedef {import("./rules.mjs").Rule} Rule */

/**
 * A rule and the density on it, with combinations of beta at the kept nodes.
 * @typedef {object} Grid
 * @property {Rule} rule
 * @property {number} scale
 * @property {Float64Array} logDensity at every node
 * @property {number} logEvidence log p(y)
 * @property {Float64Array} mass probability of every node
 * @property {Float64Array} weight probability of every kept node
 * @property {Float64Array} tau of kept nodes and levels, highest level first
 * @property {Float64Array} centre mean of every combination (kept, r)
 * @property {Float64Array} variance of every combination (kept, r)
 * @property {(import("./taus.mjs").Marginal | undefined)[]} marginals of the taus, once they are computed
 */

export const ORDERS = [16, 24, 32, 48, 64, 96, 128, 192, 256];
const NODE_LIMIT = 300000;
export const SPARE = 10;
const NEGLIGIBLE = 30;

/**
 * Visit every node of a rule in order: what nodes of a tau_group share, taus, log p(taus) |d tau / d x|.
 * @param {Arrays} arrays
 * @param {Rule} rule
 * @param {(node: number, given: import("./kernel.mjs").Shared, tau: Taus, logOutside: number) => void} visit
 */
export function walk(arrays, rule, visit) {
  const { levels, tau } = arrays.model;
  const prior = densityOfTaus(levels, tau);
  const { order, axes } = rule;
  const upwards = [...levels].reverse();
  const row = (/** @type {string} */ level, /** @type {number} */ at) =>
    axes[upwards.indexOf(level)]?.points.subarray(at * order, (at + 1) * order) ?? [NaN];
  const tauAt = (/** @type {number} */ x) => (isNaN(x) ? 0 : arrays.scale * sinh(x));
  const outside = (/** @type {string} */ level, /** @type {number} */ x, /** @type {number} */ value) =>
    (isNaN(x) ? 0 : log(arrays.scale * cosh(x)) + prior.alone(level, value));
  let node = 0;
  let effectRow = 0;
  let groupRow = 0;
  let studyRow = 0;
  for (const xEffect of row("effect", effectRow++)) {
    const effect = tauAt(xEffect);
    const outsideEffect = outside("effect", xEffect, effect);
    const sums = effectLevel(arrays, effect);
    for (const xGroup of row("group", groupRow++)) {
      const group = tauAt(xGroup);
      const outsideGroup = outsideEffect + outside("group", xGroup, group);
      const given = shared(arrays, groupLevel(arrays, sums, group));
      for (const xStudy of row("study", studyRow++)) {
        const taus = { study: tauAt(xStudy), group, effect };
        visit(node++, given, taus, outsideGroup + outside("study", xStudy, taus.study) + prior.joint(taus));
      }
    }
  }
}

/**
 * Visit every node of a rule.
 * @param {Arrays} arrays
 * @param {Rule} rule
 * @param {Float64Array} combinations (r, p)
 * @returns {Grid}
 */
function evaluate(arrays, rule, combinations) {
  const { q } = arrays;
  const r = combinations.length / (q - 1);
  const matrix = zeros(q * q);
  const logDensity = zeros(rule.logWeight.length);
  const moments = zeros(2 * r);
  const [kept, taus, centre, variance] = Array.from({ length: 4 }, () => /** @type {number[]} */ ([]));
  let highest = -Infinity;
  walk(arrays, rule, (node, given, tau, logOutside) => {
    let density = condition(arrays, given, tau.study, matrix) + logOutside;
    if (density === -Infinity) density = -Number.MAX_VALUE; // outside the prior: nothing is there
    else if (!isFinite(density)) density = -Infinity;
    logDensity[node] = density;
    highest = max(highest, density);
    if (!(density > highest - NEGLIGIBLE)) return;
    combine(matrix, q, combinations, moments);
    kept.push(node);
    for (const level of arrays.model.levels) taus.push(tau[/** @type {"study"} */ (level)]);
    for (let i = 0; i < r; i++) centre.push(moments[i]);
    for (let i = 0; i < r; i++) variance.push(moments[r + i]);
  });
  const logMass = logDensity.map((density, node) => density + rule.logWeight[node]);
  const logEvidence = logSumExp(logMass);
  const mass = logMass.map((value) => exp(value - logEvidence));
  const weight = asFloats(kept, (node) => mass[node]);
  const total = sumOf(weight);
  return {
    rule, scale: arrays.scale, logDensity, logEvidence, mass,
    weight: weight.map((value) => value / total),
    tau: asFloats(taus),
    centre: asFloats(centre),
    variance: asFloats(variance),
    marginals: [],
  };
}

/**
 * Write means, then variances of combinations of beta with [[Cov, mean], [., .]] (q, q).
 * @type {(matrix: Float64Array, q: number, combinations: Float64Array, moments: Float64Array) => void}
 */
export function combine(matrix, q, combinations, moments) {
  const p = q - 1;
  const r = combinations.length / p;
  for (let row = 0; row < r; row++) {
    let mean = 0;
    let variance = 0;
    for (let i = 0; i < p; i++) {
      const weight = combinations[row * p + i];
      if (weight === 0) continue;
      mean += weight * matrix[i * q + p];
      for (let j = 0; j < p; j++) {
        const other = combinations[row * p + j];
        if (other !== 0) variance += weight * other * matrix[i * q + j];
      }
    }
    moments[row] = mean;
    moments[r + row] = variance;
  }
}

/** @typedef {{mean: number, sd: number}} Moments */

/**
 * Return means and sds of the first combinations, then of the taus.
 * @param {Pick<Grid, "weight" | "tau" | "centre" | "variance">} nodes
 * @param {number} used number of combinations
 * @returns {Moments[]}
 */
export function momentsOf({ weight, tau, centre, variance }, used) {
  const r = centre.length / weight.length;
  const levels = tau.length / weight.length;
  const counted = (/** @type {number} */ count) => [...Array(count).keys()];
  return [
    ...counted(used).map((i) => momentsOver(weight, (node) => centre[node * r + i], (node) => variance[node * r + i])),
    ...counted(levels).map((i) => momentsOver(weight, (node) => tau[node * levels + i])),
  ];
}

/**
 * Return the largest difference of means, and of sds, in posterior sds.
 * @param {Moments[]} before
 * @param {Moments[]} after
 * @param {("mean" | "sd")[]} [of]
 */
export const largestShift = (before, after, of = ["mean", "sd"]) =>
  max(...after.flatMap((now, at) => of.map((name) => abs(before[at][name] - now[name]) / now.sd)));

/**
 * Return the largest difference of two rules, as `Posterior.error` in Python.
 * @param {Grid} coarse
 * @param {Grid} fine
 * @param {number} terms
 * @param {number} tolerance
 */
function difference(coarse, fine, terms, tolerance) {
  const after = momentsOf(fine, terms);
  let largest = max(abs(coarse.logEvidence - fine.logEvidence), largestShift(momentsOf(coarse, terms), after));
  if (largest > tolerance) return largest;
  after.slice(terms).forEach(({ mean }, level) => {
    const change = tauCdf(tauMarginal(coarse, level), mean) - tauCdf(tauMarginal(fine, level), mean);
    largest = max(largest, abs(change) / 10);
  });
  return largest;
}

/**
 * Integrate over the taus; rules grow until the error is below the tolerance.
 * @param {Arrays} arrays
 * @param {Float64Array} combinations (r, p), the terms first
 * @param {number} tolerance
 * @returns {{grid: Grid, error: number}}
 */
export function refine(arrays, combinations, tolerance) {
  const { terms } = arrays.table;
  const axes = arrays.model.levels.length;
  const drop = SPARE - log(tolerance);
  let grid = zoom((rule) => evaluate(arrays, rule, combinations), axes, drop, ORDERS[0]);
  let error = Infinity;
  for (const order of ORDERS.slice(1)) {
    if (error <= tolerance || order ** axes > NODE_LIMIT) break;
    const finer = evaluate(arrays, place(order, axes, follow(grid.rule, grid.logDensity, drop)), combinations);
    error = difference(grid, finer, terms, tolerance);
    grid = finer;
  }
  return { grid, error };
}
