// @ts-check
/** The posterior of a table and a model: integrated over the taus, and over rho if it has a prior. */
import { abs, asFloats, exp, log, logSumExp, max, sumOf, zeros } from "./numbers.mjs";
import { arraysOf } from "./arrays.mjs";
import { largestShift, momentsOf, refine } from "./grid.mjs";
import { HIGHEST_Z, LOWEST_Z, logNormal, nodesOfRho } from "./rho.mjs";
import { BadInput, around } from "./rules.mjs";

/** @typedef {import("./arrays.mjs").Arrays} Arrays */
/** @typedef {import("./arrays.mjs").Table} Table */
/** @typedef {import("./arrays.mjs").Model} Model */
/** @typedef {import("./grid.mjs").Grid} Grid */

/**
 * The posterior at a value of rho, the only one unless rho has a prior.
 * @typedef {object} Part
 * @property {number} rho
 * @property {number} weight its prior probability
 * @property {number} share its posterior probability
 * @property {Grid} grid
 */

/**
 * All parts, the most probable first, and their nodes together, as those of a grid.
 * @typedef {object} Posterior
 * @property {Arrays} arrays
 * @property {Part[]} parts
 * @property {Float64Array} weight probability of every node
 * @property {Float64Array} tau of nodes and levels, highest level first
 * @property {Float64Array} centre mean of every combination (nodes, r)
 * @property {Float64Array} variance of every combination (nodes, r)
 * @property {number} rho its mean
 * @property {number} logEvidence log p(y)
 * @property {Float64Array} combinations weights of every combination (r, p)
 * @property {number} tolerance of the grids over the taus
 * @property {number} error as `Posterior.error` in Python
 * @property {boolean} converged whether the error came below the tolerance
 */

const ORDERS_OF_RHO = [12, 18, 24, 36, 54];
const ROUNDS_OF_RHO = 4;
const DROP_OF_RHO = 12; // of the log density, below which an end of the axis is left out
const OF_RHO = 1e-3; // tolerance of the average over rho
const INNER = 0.1; // of this tolerance, for the taus at a value of rho
const LEAST = 1e-12; // probability relative to the largest, below which a part is left out

/**
 * Integrate a model's posterior.
 * @param {Table} table
 * @param {Model} model
 * @param {object} [options]
 * @param {Float64Array} [options.combinations] weights (r, p) of combinations besides the terms
 * @param {number[]} [options.without] studies to leave out
 * @param {number} [options.tolerance]
 * @returns {Posterior}
 */
export function integrate(table, model, { combinations = new Float64Array(), without = [], tolerance = 1e-6 } = {}) {
  if (!table.yi.length) throw new BadInput("no effects are left");
  if (!model.levels.length) throw new BadInput("a model needs a level");
  const arrays = arraysOf(table, model, without);
  const p = table.terms;
  const every = zeros(p * p + combinations.length);
  for (let i = 0; i < p; i++) every[i * p + i] = 1;
  every.set(combinations, p * p);
  if (model.rhoPrior) return overRho(arrays, every, model.rhoPrior, tolerance);
  const { grid, error } = refine(arrays, every, tolerance);
  return together(arrays, every, [{ rho: model.rho, weight: 1, share: 1, grid }], error, tolerance);
}

/**
 * Return arrays at a value of rho.
 * @type {(arrays: Arrays, rho: number) => Arrays}
 */
export const atRho = (arrays, rho) => ({ ...arrays, model: { ...arrays.model, rho } });

/**
 * Integrate over rho as well: rules grow until they agree.
 * @type {(arrays: Arrays, combinations: Float64Array, prior: number[], tolerance: number) => Posterior}
 */
function overRho(arrays, combinations, prior, tolerance) {
  const allowed = max(tolerance, OF_RHO);
  const inner = max(tolerance, INNER * allowed);
  const onRule = (/** @type {number} */ order, /** @type {number[]} */ box) => {
    const nodes = nodesOfRho(prior, order, box);
    const refined = nodes.rho.map((rho) => refine(atRho(arrays, rho), combinations, inner));
    const evidence = refined.map(({ grid }) => grid.logEvidence);
    const logMass = evidence.map((value, at) => value + log(nodes.weight[at]));
    const total = logSumExp(logMass);
    const parts = refined.map(({ grid }, at) => (
      { rho: nodes.rho[at], weight: nodes.weight[at], share: exp(logMass[at] - total), grid }));
    const logDensity = evidence.map((value, at) => value + logNormal(nodes.z[at]));
    const error = max(...refined.map((inside) => inside.error));
    return { z: nodes.z, logDensity, posterior: together(arrays, combinations, parts, error, inner) };
  };
  let box = [LOWEST_Z, HIGHEST_Z];
  let rule;
  for (let turn = 0; turn < ROUNDS_OF_RHO; turn++) {
    rule = onRule(ORDERS_OF_RHO[0], box);
    const larger = box;
    box = around(rule.z, rule.logDensity, larger, DROP_OF_RHO);
    if (box[1] - box[0] > 0.85 * (larger[1] - larger[0])) break;
  }
  let { posterior } = /** @type {{posterior: Posterior}} */ (rule);
  for (const order of ORDERS_OF_RHO.slice(1)) {
    const finer = onRule(order, box).posterior;
    const error = max(finer.error, change(posterior, finer));
    posterior = { ...finer, error, converged: error <= allowed };
    if (posterior.converged) break;
  }
  return posterior;
}

/**
 * Return the largest difference of log p(y) and of means, in posterior sds, of two rules over rho.
 * @type {(coarse: Posterior, fine: Posterior) => number}
 */
function change(coarse, fine) {
  const { terms } = fine.arrays.table;
  return max(abs(coarse.logEvidence - fine.logEvidence), largestShift(momentsOf(coarse, terms), momentsOf(fine, terms), ["mean"]));
}

/**
 * Put the parts that matter together.
 * @type {(arrays: Arrays, combinations: Float64Array, parts: Part[], error: number, tolerance: number) => Posterior}
 */
function together(arrays, combinations, parts, error, tolerance) {
  const logEvidence = logSumExp(parts.map(({ grid, weight }) => grid.logEvidence + log(weight)));
  const sorted = [...parts].sort((a, b) => b.share - a.share);
  const near = sorted.filter(({ share }) => share > LEAST * sorted[0].share);
  const sum = sumOf(near.map(({ share }) => share));
  const kept = near.map((part) => ({ ...part, share: part.share / sum }));
  const join = (/** @type {(part: Part) => Float64Array} */ of) =>
    (kept.length === 1 ? of(kept[0]) : asFloats(kept.flatMap((part) => [...of(part)])));
  return {
    arrays, combinations, parts: kept, logEvidence, tolerance, error, converged: error <= tolerance,
    weight: join(({ share, grid }) => grid.weight.map((value) => share * value)),
    tau: join(({ grid }) => grid.tau),
    centre: join(({ grid }) => grid.centre),
    variance: join(({ grid }) => grid.variance),
    rho: sumOf(kept.map(({ share, rho }) => share * rho)),
  };
}
