// @ts-check
/**
 * From a coded table and a model to the arrays that the density needs.
 *
 *     y = X beta + u[study] + w[group] + d[effect] + e,      e ~ N(0, V)
 *
 * The algorithm of this folder, its nodes and its letters are those of the Python package:
 * `model.likelihood.kernel` and `effect_level` (A, b, D, S, L, P, C), `inference.quadrature`
 * (`conditional`, `nodes`, `grid`, `outer`, `mixtures`, `deletion`, `without_study`). The result
 * equals that of Python to rounding.
 *
 * Columns are z = [X, y]; a study informs some of them only, and everything is summed over these
 * alone. Matrices are stored row by row.
 */
import { asFloats, log, max, momentsOver, sqrt, sumOf, zeros } from "./numbers.mjs";

/**
 * A coded effect table: k effects, p terms, groups and studies counted from 0.
 * @typedef {object} Table
 * @property {Float64Array} yi effects (k)
 * @property {Float64Array} vi sampling variances (k)
 * @property {Float64Array} x design (k, p)
 * @property {number} terms p
 * @property {Int32Array} group group of every effect (k)
 * @property {Int32Array} study study of every group (groups)
 * @property {number} studies number of studies
 */

/**
 * @typedef {object} Model
 * @property {string[]} levels of `LEVELS`
 * @property {number} rho correlation of errors within a group, in [0, 1)
 * @property {number[]} [rhoPrior] a and b of a Beta prior of rho, if rho is estimated
 * @property {import("./families.mjs").TauPrior} tau prior of the taus
 * @property {Float64Array} mean prior mean of beta (p)
 * @property {Float64Array} covariance prior covariance of beta (p, p)
 */

/**
 * Studies that inform the same columns of [X, y].
 * @typedef {object} Support
 * @property {number[]} columns
 * @property {number[]} places of pairs of the columns in a matrix (q, q)
 * @property {number[]} studies
 */

/**
 * @typedef {object} Arrays
 * @property {Table} table
 * @property {Model} model
 * @property {number} q p + 1
 * @property {Int32Array} start first column of every study among those of all studies (studies + 1)
 * @property {Int32Array} groupStart as `start`, for groups (groups + 1)
 * @property {Int32Array} pairStart first pair of columns of every study (studies + 1)
 * @property {Support[]} supports included studies by the columns that they inform
 * @property {Float64Array} factors space for a number of every study
 * @property {Float64Array} z [X, y] of every effect, on the columns of its study
 * @property {Int32Array} zStart first place of every effect in z (k + 1)
 * @property {Int32Array} effects number of effects of every study
 * @property {Uint8Array} included whether every study counts
 * @property {number} count number of included effects
 * @property {Float64Array} prior [I, m]' B^-1 [I, m] (q, q)
 * @property {number} logDetPrior log|B|
 * @property {number} scale of the coordinates x = arcsinh(tau / scale)
 */

export const LEVELS = ["study", "group", "effect"]; // highest first

/**
 * Sweep the first columns of a symmetric matrix [[A, h], [h', c]] (q, q) in place; return log|A|.
 *
 * The result is [[A^-1, A^-1 h], [., c - h' A^-1 h]]. Source: Goodnight 1979, doi
 * 10.1080/00031305.1979.10482685.
 * @param {Float64Array} matrix
 * @param {number} q
 * @param {number} pivots
 */
export function sweep(matrix, q, pivots) {
  let logDet = 0;
  for (let pivot = 0; pivot < pivots; pivot++) {
    const at = pivot * q;
    const d = matrix[at + pivot];
    logDet += log(d);
    for (let j = 0; j < q; j++) matrix[at + j] /= d;
    for (let i = 0; i < q; i++) {
      if (i === pivot) continue;
      const factor = matrix[i * q + pivot];
      if (factor === 0) continue;
      for (let j = 0; j < q; j++) matrix[i * q + j] -= factor * matrix[at + j];
      matrix[i * q + pivot] = -factor / d;
    }
    matrix[at + pivot] = 1 / d;
  }
  return logDet;
}

/**
 * Return [I, m]' B^-1 [I, m] (q, q) and log|B|.
 * @type {(mean: Float64Array, covariance: Float64Array) => [Float64Array, number]}
 */
function priorProducts(mean, covariance) {
  const p = mean.length;
  const q = p + 1;
  const precision = asFloats(covariance);
  const logDet = sweep(precision, p, p);
  const products = zeros(q * q);
  for (let i = 0; i < p; i++) {
    for (let j = 0; j < p; j++) {
      const value = precision[i * p + j];
      products[i * q + j] = value;
      products[i * q + p] += value * mean[j];
      products[p * q + j] += mean[i] * value;
      products[p * q + p] += mean[i] * value * mean[j];
    }
  }
  return [products, logDet];
}

/**
 * Return the first places of parts of some widths, and the place after the last.
 * @type {(widths: Iterable<number>) => Int32Array}
 */
function startsOf(widths) {
  let at = 0;
  return Int32Array.from([0, ...widths], (width) => (at += width));
}

/**
 * Return what the density needs; studies of `without` do not count.
 * @param {Table} table
 * @param {Model} model
 * @param {number[]} [without]
 * @returns {Arrays}
 */
export function arraysOf(table, model, without = []) {
  const { yi, vi, x, terms, group, study, studies } = table;
  const k = yi.length;
  const q = terms + 1;
  const studyOf = (/** @type {number} */ effect) => study[group[effect]];
  const informed = new Uint8Array(studies * q);
  const effects = new Int32Array(studies);
  for (let i = 0; i < k; i++) {
    const s = studyOf(i);
    effects[s]++;
    for (let j = 0; j < terms; j++) if (x[i * terms + j] !== 0) informed[s * q + j] = 1;
    informed[s * q + terms] = 1;
  }
  const included = new Uint8Array(studies).fill(1);
  for (const s of without) included[s] = 0;
  /** @type {Record<string, Support>} */
  const supports = {};
  const widths = new Int32Array(studies);
  for (let s = 0; s < studies; s++) {
    const columns = [...Array(q).keys()].filter((j) => informed[s * q + j]);
    const places = columns.flatMap((i, at) => columns.slice(at).map((j) => i * q + j));
    widths[s] = columns.length;
    if (included[s] && effects[s]) (supports[columns.join()] ??= { columns, places, studies: [] }).studies.push(s);
  }
  const zStart = startsOf(group.map((g) => widths[study[g]]));
  const z = zeros(zStart[k]);
  let at = 0;
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < q; j++) if (informed[studyOf(i) * q + j]) z[at++] = j === terms ? yi[i] : x[i * terms + j];
  }
  const [prior, logDetPrior] = priorProducts(model.mean, model.covariance);
  return {
    table, q, zStart, z, effects, included, prior, logDetPrior,
    model: { ...model, levels: LEVELS.filter((level) => model.levels.includes(level)) },
    start: startsOf(widths),
    pairStart: startsOf(widths.map((width) => (width * (width + 1)) / 2)),
    groupStart: startsOf(study.map((s) => widths[s])),
    supports: Object.values(supports),
    factors: zeros(studies),
    count: sumOf(effects.map((n, s) => n * included[s])),
    scale: max(momentsOver(zeros(k).fill(1 / k), (i) => yi[i]).sd, sqrt(median(vi))),
  };
}

/** Return the median. @param {Float64Array} values */
function median(values) {
  const sorted = asFloats(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
