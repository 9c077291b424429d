// @ts-check
/**
 * The posterior of the nested normal model by quadrature over the taus, beta integrated out.
 *
 *     y = X beta + u[study] + w[group] + d[effect] + e,      e ~ N(0, V)
 *
 * The algorithm, its nodes and its letters are those of the Python package: `model.likelihood.kernel`
 * and `effect_level` (A, b, D, S, L, P, C), `inference.quadrature.conditional` (sweep), `nodes` and
 * `grid` (rules that follow the mass), `mixtures`, `deletion` and `without_study`. The result
 * equals the one of Python to rounding.
 *
 * Columns are z = [X, y]; a study informs some of them only, and everything is summed over these
 * alone. Matrices are stored row by row.
 */

// TYPES

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
 * @property {string[]} levels of study, group, effect
 * @property {number} rho correlation of errors within a group, in [0, 1)
 * @property {Prior} tau prior of every tau
 * @property {Float64Array} mean prior mean of beta (p)
 * @property {Float64Array} covariance prior covariance of beta (p, p)
 */

/**
 * A prior of positive numbers.
 * @typedef {object} Prior
 * @property {string} family a name of `FAMILIES`
 * @property {number[]} parameters
 */

/**
 * @typedef {object} Arrays
 * @property {Table} table
 * @property {Model} model
 * @property {number} q p + 1
 * @property {Int32Array} start first place of every study in `columns` (studies + 1)
 * @property {Int32Array} columns columns of [X, y] that a study informs, study by study
 * @property {Int32Array} groupStart as `start`, for groups (groups + 1)
 * @property {Int32Array} pairStart first pair of every study (studies + 1)
 * @property {Int32Array} pairs packed place of every pair of a study's columns
 * @property {Float64Array} z [X, y] of every effect, on the columns of its study
 * @property {Int32Array} zStart first place of every effect in z (k + 1)
 * @property {Int32Array} effects number of effects of every study
 * @property {Uint8Array} included whether every study counts
 * @property {number} count number of included effects
 * @property {Float64Array} prior [I, m]' B^-1 [I, m] (q, q)
 * @property {number} logDetPrior log|B|
 * @property {number} scale of the coordinates x = arcsinh(tau / scale)
 */

/**
 * Sums over the effects of units, by study.
 * @typedef {object} Sums
 * @property {Float64Array} A of units
 * @property {Float64Array} b of units, on the columns of their study
 * @property {Float64Array} S by study, on the pairs of its columns
 * @property {Float64Array} L by study
 */

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
 */

/**
 * Distribution of a tau: a Legendre series of the density in every row.
 * @typedef {object} Marginal
 * @property {number} order
 * @property {number[]} row number of every row
 * @property {number[]} low
 * @property {number[]} high
 * @property {Float64Array[]} series
 * @property {number} scale
 */

/**
 * @typedef {object} Posterior
 * @property {Arrays} arrays
 * @property {Grid} grid
 * @property {Float64Array} combinations weights of every combination (r, p)
 * @property {number} error as `Posterior.error` in Python
 * @property {boolean} converged whether the error came below the tolerance
 */

/**
 * A mixture of normals: weight, centre, within (sds).
 * @typedef {object} Mixture
 * @property {Float64Array} weight
 * @property {Float64Array} centre
 * @property {Float64Array} within
 */

// DISTRIBUTIONS

const LOG_2_PI = Math.log(2 * Math.PI);
const ERF_NEAR = [
  [3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3, 1.85777706184603153e-1],
  [2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3],
];
const ERFC_MIDDLE = [
  [5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2, 8.81952221241769090e2,
    1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3, 2.15311535474403846e-8],
  [1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3, 3.29079923573345963e3,
    4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3],
];
const ERFC_FAR = [
  [3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4,
    1.63153871373020978e-2],
  [2.56852019228982242, 1.87295284992346047, 5.27905102951428412e-1, 6.05183413124413191e-2, 2.33520497626869185e-3],
];

/**
 * A ratio of polynomials; the last coefficient above leads.
 * @param {number[][]} coefficients
 * @param {number} x
 */
function ratio([above, below], x) {
  const last = below.length - 1;
  let top = above[above.length - 1] * x;
  let bottom = x;
  for (let i = 0; i < last; i++) {
    top = (top + above[i]) * x;
    bottom = (bottom + below[i]) * x;
  }
  return (top + above[last]) / (bottom + below[last]);
}

/**
 * The complementary error function. Source: Cody 1969, doi 10.1090/S0025-5718-1969-0247736-4.
 * @param {number} x
 */
export function erfc(x) {
  const size = Math.abs(x);
  if (size <= 0.46875) return 1 - x * ratio(ERF_NEAR, size * size);
  if (size > 27) return x > 0 ? 0 : 2;
  let value;
  if (size <= 4) {
    value = ratio(ERFC_MIDDLE, size);
  } else {
    const inverse = 1 / (size * size);
    value = (1 / Math.sqrt(Math.PI) - inverse * ratio(ERFC_FAR, inverse)) / size;
  }
  const whole = Math.trunc(size * 16) / 16; // so that the square of a rounded number is exact
  value *= Math.exp(-whole * whole) * Math.exp(-(size - whole) * (size + whole));
  return x > 0 ? value : 2 - value;
}

/** @param {number} x */
export function ndtr(x) {
  return erfc(-x * Math.SQRT1_2) / 2;
}

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/**
 * The log of the gamma function of a positive number. Source: Lanczos 1964, doi 10.1137/0701008.
 * @param {number} x
 * @returns {number}
 */
export function logGamma(x) {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const z = x - 1;
  let sum = LANCZOS[0];
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i] / (z + i);
  const t = z + 7.5;
  return LOG_2_PI / 2 + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

/**
 * Log densities of the families of priors of a tau, with parameters in Python's order.
 * @type {Record<string, (x: number, parameters: number[]) => number>}
 */
export const FAMILIES = {
  HalfNormal: (x, [scale]) => 0.5 * Math.log(2 / Math.PI) - Math.log(scale) - 0.5 * (x / scale) ** 2,
  HalfCauchy: (x, [scale]) => Math.log(2 / (Math.PI * scale)) - Math.log1p((x / scale) ** 2),
  Exponential: (x, [scale]) => -Math.log(scale) - x / scale,
  Gamma: (x, [shape, rate]) => shape * Math.log(rate) - logGamma(shape) + (shape - 1) * Math.log(x) - rate * x,
  InvGamma: (x, [shape, scale]) => shape * Math.log(scale) - logGamma(shape) - (shape + 1) * Math.log(x) - scale / x,
};

// ALGEBRA

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
    logDet += Math.log(d);
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
 * [I, m]' B^-1 [I, m] (q, q) and log|B|.
 * @type {(mean: Float64Array, covariance: Float64Array) => [Float64Array, number]}
 */
function priorProducts(mean, covariance) {
  const p = mean.length;
  const q = p + 1;
  const precision = Float64Array.from(covariance);
  const logDet = sweep(precision, p, p);
  const products = new Float64Array(q * q);
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

// ARRAYS

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
  const start = new Int32Array(studies + 1);
  const pairStart = new Int32Array(studies + 1);
  const [columns, pairs] = [0, 1].map(() => /** @type {number[]} */ ([]));
  for (let s = 0; s < studies; s++) {
    const of = [];
    for (let j = 0; j < q; j++) if (informed[s * q + j]) of.push(j);
    columns.push(...of);
    for (let i = 0; i < of.length; i++) {
      for (let j = i; j < of.length; j++) pairs.push(of[i] * q + of[j]);
    }
    start[s + 1] = columns.length;
    pairStart[s + 1] = pairs.length;
  }
  const groupStart = new Int32Array(study.length + 1);
  for (let g = 0; g < study.length; g++) groupStart[g + 1] = groupStart[g] + start[study[g] + 1] - start[study[g]];
  const zStart = new Int32Array(k + 1);
  for (let i = 0; i < k; i++) zStart[i + 1] = zStart[i] + start[studyOf(i) + 1] - start[studyOf(i)];
  const z = new Float64Array(zStart[k]);
  for (let i = 0; i < k; i++) {
    const first = start[studyOf(i)];
    for (let at = zStart[i]; at < zStart[i + 1]; at++) {
      const column = columns[first + at - zStart[i]];
      z[at] = column === terms ? yi[i] : x[i * terms + column];
    }
  }
  const included = new Uint8Array(studies).fill(1);
  for (const s of without) included[s] = 0;
  const [prior, logDetPrior] = priorProducts(model.mean, model.covariance);
  return {
    table, model, q, start, pairStart, groupStart, zStart, z, effects, included, prior, logDetPrior,
    columns: Int32Array.from(columns),
    pairs: Int32Array.from(pairs),
    count: effects.reduce((sum, n, s) => sum + (included[s] ? n : 0), 0),
    scale: Math.max(sdOf(yi), Math.sqrt(median(vi))),
  };
}

/** @param {Float64Array} values */
function sdOf(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** @param {Float64Array} values */
function median(values) {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// KERNEL

/**
 * Sums over the effects of every group under W, the inverse of V + tau_effect^2 I.
 * @type {(arrays: Arrays, tauEffect: number) => Sums}
 */
function effectLevel(arrays, tauEffect) {
  const { table, z, zStart, groupStart, pairStart } = arrays;
  const { vi, group, study } = table;
  const { rho } = arrays.model;
  const A = new Float64Array(study.length);
  const b = new Float64Array(groupStart[study.length]);
  const S = new Float64Array(arrays.pairs.length);
  const L = new Float64Array(table.studies);
  const correlated = rho > 0;
  const common = new Float64Array(study.length);
  const commonZ = correlated ? new Float64Array(b.length) : b;
  const inflation = new Float64Array(study.length).fill(1);
  for (let i = 0; i < vi.length; i++) {
    const g = group[i];
    const s = study[g];
    const variance = (1 - rho) * vi[i] + tauEffect * tauEffect;
    const omega = 1 / variance;
    const width = zStart[i + 1] - zStart[i];
    const first = zStart[i];
    A[g] += omega;
    L[s] += Math.log(variance);
    let pair = pairStart[s];
    for (let c = 0; c < width; c++) {
      const weighted = omega * z[first + c];
      b[groupStart[g] + c] += weighted;
      for (let d = c; d < width; d++) S[pair++] += weighted * z[first + d];
    }
    if (correlated) {
      const scaled = omega * Math.sqrt(vi[i]);
      common[g] += scaled;
      inflation[g] += rho * omega * vi[i];
      for (let c = 0; c < width; c++) commonZ[groupStart[g] + c] += scaled * z[first + c];
    }
  }
  if (!correlated) return { A, b, S, L };
  for (let g = 0; g < study.length; g++) {
    const s = study[g];
    const factor = rho / inflation[g];
    const first = groupStart[g];
    const width = groupStart[g + 1] - first;
    L[s] += Math.log(inflation[g]);
    let pair = pairStart[s];
    for (let c = 0; c < width; c++) {
      for (let d = c; d < width; d++) S[pair++] -= factor * commonZ[first + c] * commonZ[first + d];
      b[first + c] -= factor * common[g] * commonZ[first + c];
    }
    A[g] -= factor * common[g] * common[g];
  }
  return { A, b, S, L };
}

/**
 * Integrate the groups out: P and C of every study in place of A and b, S and L by study.
 * @type {(arrays: Arrays, sums: Sums, tauGroup: number) => Sums}
 */
function groupLevel(arrays, sums, tauGroup) {
  const { groupStart, start, pairStart } = arrays;
  const { study, studies } = arrays.table;
  const P = new Float64Array(studies);
  const C = new Float64Array(start[studies]);
  const S = Float64Array.from(sums.S);
  const L = Float64Array.from(sums.L);
  const tau2 = tauGroup * tauGroup;
  for (let g = 0; g < study.length; g++) {
    const s = study[g];
    const D = 1 + tau2 * sums.A[g];
    const first = groupStart[g];
    const width = groupStart[g + 1] - first;
    P[s] += sums.A[g] / D;
    for (let c = 0; c < width; c++) C[start[s] + c] += sums.b[first + c] / D;
    if (tau2 === 0) continue;
    L[s] += Math.log(D);
    let pair = pairStart[s];
    for (let c = 0; c < width; c++) {
      const factor = (tau2 / D) * sums.b[first + c];
      for (let d = c; d < width; d++) S[pair++] -= factor * sums.b[first + d];
    }
  }
  return { A: P, b: C, S, L };
}

/**
 * What is equal at all nodes of a tau_group: the sums over studies, and the products of C.
 * @typedef {object} Shared
 * @property {Sums} sums
 * @property {Float64Array} S (q, q), upper triangle
 * @property {number} L
 * @property {Float64Array} products C C' by study, on the pairs of its columns
 */

/** @type {(arrays: Arrays, sums: Sums) => Shared} */
function shared(arrays, sums) {
  const { q, pairs, pairStart, start, included } = arrays;
  const S = new Float64Array(q * q);
  const products = new Float64Array(pairs.length);
  let L = 0;
  for (let s = 0; s < included.length; s++) {
    if (!included[s]) continue;
    L += sums.L[s];
    let pair = pairStart[s];
    for (let c = start[s]; c < start[s + 1]; c++) {
      for (let d = c; d < start[s + 1]; d++, pair++) {
        S[pairs[pair]] += sums.S[pair];
        products[pair] = sums.b[c] * sums.b[d];
      }
    }
  }
  return { sums, S, L, products };
}

/**
 * Given the taus: return log p(y | taus); `matrix` (q, q) becomes [[Cov, mean], [., .]] of beta.
 * @param {Arrays} arrays
 * @param {Shared} given
 * @param {number} tauStudy
 * @param {Float64Array} matrix
 */
function condition(arrays, given, tauStudy, matrix) {
  const { q, pairs, pairStart, included, prior } = arrays;
  const tau2 = tauStudy * tauStudy;
  matrix.set(given.S);
  let L = given.L;
  let product = 1; // of D: a logarithm of many at once
  if (tau2 !== 0) {
    for (let s = 0; s < included.length; s++) {
      if (!included[s]) continue;
      const D = 1 + tau2 * given.sums.A[s];
      const factor = tau2 / D;
      product *= D;
      if (product > 1e150) {
        L += Math.log(product);
        product = 1;
      }
      for (let pair = pairStart[s]; pair < pairStart[s + 1]; pair++) matrix[pairs[pair]] -= factor * given.products[pair];
    }
  }
  for (let i = 0; i < q; i++) {
    for (let j = i; j < q; j++) {
      const value = matrix[i * q + j] + prior[i * q + j];
      matrix[i * q + j] = value;
      matrix[j * q + i] = value;
    }
  }
  const logPivots = sweep(matrix, q, q - 1);
  const logDet = L + Math.log(product) + logPivots + arrays.logDetPrior;
  return -0.5 * (arrays.count * LOG_2_PI + logDet + matrix[q * q - 1]);
}

// RULES

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
function place(order, axes, ranges) {
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
 * @type {(evaluate: (rule: Rule) => Grid, axes: number, drop: number, order: number) => Grid}
 */
function zoom(evaluate, axes, drop, order) {
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
  return /** @type {Grid} */ (grid);
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
function maximum(values) {
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

/**
 * Ranges of all nodes within `drop` of their row's peak, with spare nodes at the ends.
 * @type {(rule: Rule, logDensity: Float64Array, drop: number) => Ranges}
 */
function follow(rule, logDensity, drop) {
  const { order, axes } = rule;
  const kept = axes.map((axis, depth) => {
    const inner = order ** (axes.length - depth - 1);
    const rows = axis.low.length;
    const low = new Float64Array(rows);
    const high = new Float64Array(rows);
    const highest = new Float64Array(order);
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
 * Ranges for new outer nodes: the hull over the old rows on either side.
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
  const lows = new Float64Array(rows);
  const highs = new Float64Array(rows);
  for (let at = 0; at < news; at++) {
    let right = 0;
    while (right < order && points[0][right] < outer[0][at]) right++;
    right = Math.min(Math.max(right, 1), order - 1);
    if (outer.length === 1) {
      lows[at] = Math.min(low[right - 1], low[right]);
      highs[at] = Math.max(high[right - 1], high[right]);
      continue;
    }
    const inner = outer[1].subarray(at * news, (at + 1) * news);
    const sides = [right - 1, right].map((row) => {
      const part = (/** @type {Float64Array} */ values) => values.subarray(row * order, (row + 1) * order);
      return hull([part(points[1])], part(low), part(high), [inner], order);
    });
    for (let i = 0; i < news; i++) {
      lows[at * news + i] = Math.min(sides[0][0][i], sides[1][0][i]);
      highs[at * news + i] = Math.max(sides[0][1][i], sides[1][1][i]);
    }
  }
  return [lows, highs];
}

// GRID

const LEVELS = ["study", "group", "effect"];
const ORDERS = [16, 24, 32, 48, 64, 96, 128, 192, 256];
const NODE_LIMIT = 300000;
const SPARE = 10;
const NEGLIGIBLE = 30;

/** @param {string[]} levels */
function placesOf(levels) {
  const upwards = [...LEVELS].reverse().filter((level) => levels.includes(level));
  return Object.fromEntries(LEVELS.map((level) => [level, upwards.indexOf(level)]));
}

/**
 * Visit every node of a rule in order: what nodes of a tau_group share, taus, log p(taus) |d tau / d x|.
 * @param {Arrays} arrays
 * @param {Rule} rule
 * @param {(node: number, given: Shared, tau: {study: number, group: number, effect: number}, logOutside: number) => void} visit
 */
function walk(arrays, rule, visit) {
  const { levels, tau: prior } = arrays.model;
  const place = placesOf(levels);
  const { order, axes } = rule;
  const density = FAMILIES[prior.family];
  const at = (/** @type {string} */ level) => axes[place[level]];
  const outside = (/** @type {number} */ x, /** @type {number} */ tau) =>
    Math.log(arrays.scale * Math.cosh(x)) + density(tau, prior.parameters);
  const taken = (/** @type {string} */ level, /** @type {number} */ row) =>
    place[level] < 0 ? [NaN] : at(level).points.subarray(row * order, (row + 1) * order);
  let node = 0;
  let effectRow = 0;
  let groupRow = 0;
  let studyRow = 0;
  for (const xEffect of taken("effect", effectRow++)) {
    const effect = place.effect < 0 ? 0 : arrays.scale * Math.sinh(xEffect);
    const outsideEffect = place.effect < 0 ? 0 : outside(xEffect, effect);
    const sums = effectLevel(arrays, effect);
    for (const xGroup of taken("group", groupRow++)) {
      const group = place.group < 0 ? 0 : arrays.scale * Math.sinh(xGroup);
      const outsideGroup = place.group < 0 ? 0 : outside(xGroup, group);
      const given = shared(arrays, groupLevel(arrays, sums, group));
      for (const xStudy of taken("study", studyRow++)) {
        const study = place.study < 0 ? 0 : arrays.scale * Math.sinh(xStudy);
        const outsideStudy = place.study < 0 ? 0 : outside(xStudy, study);
        visit(node++, given, { study, group, effect }, outsideEffect + outsideGroup + outsideStudy);
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
  const { levels } = arrays.model;
  const r = combinations.length / (q - 1);
  const matrix = new Float64Array(q * q);
  const logDensity = new Float64Array(rule.logWeight.length);
  const moments = new Float64Array(2 * r);
  const [kept, taus, centre, variance] = Array.from({ length: 4 }, () => /** @type {number[]} */ ([]));
  let highest = -Infinity;
  walk(arrays, rule, (node, given, tau, logOutside) => {
    let density = condition(arrays, given, tau.study, matrix) + logOutside;
    if (!Number.isFinite(density)) density = -Infinity;
    logDensity[node] = density;
    highest = Math.max(highest, density);
    if (!(density > highest - NEGLIGIBLE)) return;
    combine(matrix, q, combinations, moments);
    kept.push(node);
    for (const level of LEVELS) if (levels.includes(level)) taus.push(tau[/** @type {"study"} */ (level)]);
    for (let i = 0; i < r; i++) centre.push(moments[i]);
    for (let i = 0; i < r; i++) variance.push(moments[r + i]);
  });
  const logMass = logDensity.map((density, node) => density + rule.logWeight[node]);
  const logEvidence = logSumExp(logMass);
  const mass = logMass.map((value) => Math.exp(value - logEvidence));
  const weight = Float64Array.from(kept, (node) => mass[node]);
  const total = weight.reduce((sum, value) => sum + value, 0);
  return {
    rule, scale: arrays.scale, logDensity, logEvidence, mass,
    weight: weight.map((value) => value / total),
    tau: Float64Array.from(taus),
    centre: Float64Array.from(centre),
    variance: Float64Array.from(variance),
  };
}

/**
 * Means, then variances of combinations of beta with [[Cov, mean], [., .]] (q, q).
 * @type {(matrix: Float64Array, q: number, combinations: Float64Array, moments: Float64Array) => void}
 */
function combine(matrix, q, combinations, moments) {
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

/** @param {Float64Array} values */
function logSumExp(values) {
  const highest = maximum(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i] - highest);
  return highest + Math.log(sum);
}

/**
 * Means and sds of the first combinations, then of the taus, of a grid.
 * @param {Grid} grid
 * @param {number} r number of all combinations
 * @param {number} used number of them that are returned
 */
function momentsOf(grid, r, used) {
  const levels = grid.rule.axes.length;
  const mean = new Float64Array(used + levels);
  const sd = new Float64Array(used + levels);
  const forAll = (/** @type {(value: number, variance: number, weight: number, at: number) => void} */ visit) => {
    for (let node = 0; node < grid.weight.length; node++) {
      const weight = grid.weight[node];
      for (let i = 0; i < used; i++) visit(grid.centre[node * r + i], grid.variance[node * r + i], weight, i);
      for (let i = 0; i < levels; i++) visit(grid.tau[node * levels + i], 0, weight, used + i);
    }
  };
  forAll((value, _, weight, at) => { mean[at] += weight * value; });
  forAll((value, variance, weight, at) => { sd[at] += weight * (variance + (value - mean[at]) ** 2); });
  return { mean, sd: sd.map(Math.sqrt) };
}

/**
 * The largest difference of two rules, as `Posterior.error` in Python.
 * @param {Grid} coarse
 * @param {Grid} fine
 * @param {number} r
 * @param {number} terms
 * @param {number} tolerance
 */
function difference(coarse, fine, r, terms, tolerance) {
  const before = momentsOf(coarse, r, terms);
  const after = momentsOf(fine, r, terms);
  let largest = Math.abs(coarse.logEvidence - fine.logEvidence);
  after.mean.forEach((mean, at) => {
    const sd = after.sd[at];
    const shifts = [before.mean[at] - mean, before.sd[at] - sd].map((shift) => Math.abs(shift / sd));
    largest = Math.max(largest, ...shifts);
  });
  if (largest > tolerance) return largest;
  const levels = fine.rule.axes.length;
  for (let level = 0; level < levels; level++) {
    const tau = after.mean[terms + level];
    const change = tauCdf(tauMarginal(coarse, level), tau) - tauCdf(tauMarginal(fine, level), tau);
    largest = Math.max(largest, Math.abs(change) / 10);
  }
  return largest;
}

/**
 * Integrate a model's posterior over its taus; rules grow until the error is below the tolerance.
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
  const every = new Float64Array(p * p + combinations.length);
  for (let i = 0; i < p; i++) every[i * p + i] = 1;
  every.set(combinations, p * p);
  const axes = model.levels.length;
  const r = every.length / p;
  const drop = SPARE - Math.log(tolerance);
  let grid = zoom((rule) => evaluate(arrays, rule, every), axes, drop, ORDERS[0]);
  let error = Infinity;
  for (const order of ORDERS.slice(1)) {
    if (error <= tolerance || order ** axes > NODE_LIMIT) break;
    const finer = evaluate(arrays, place(order, axes, follow(grid.rule, grid.logDensity, drop)), every);
    error = difference(grid, finer, r, p, tolerance);
    grid = finer;
  }
  return { arrays, grid, combinations: every, error, converged: error <= tolerance };
}

// TAUS

/** @type {(x: number, n: number) => Float64Array} Legendre polynomials P_0 to P_n at x */
function legendre(x, n) {
  const values = new Float64Array(n + 1);
  values[0] = 1;
  if (n > 0) values[1] = x;
  for (let i = 2; i <= n; i++) values[i] = ((2 * i - 1) * x * values[i - 1] - (i - 1) * values[i - 2]) / i;
  return values;
}

/** @type {Map<number, {atNodes: Float64Array[], atFine: Float64Array[], fine: Float64Array[], fineWeight: Float64Array}>} */
const knownBases = new Map();

/** @param {number} order */
function basisOf(order) {
  let basis = knownBases.get(order);
  if (!basis) {
    const [unit] = leggauss(order);
    const [fine, fineWeight] = leggauss(3 * order);
    basis = {
      atNodes: Array.from(unit, (x) => legendre(x, order - 1)),
      atFine: Array.from(fine, (x) => legendre(x, order - 1)),
      fine: Array.from(fine, (x) => legendre(x, 3 * order - 1)),
      fineWeight,
    };
    knownBases.set(order, basis);
  }
  return basis;
}

/**
 * The Legendre series of a row, whose log density is a polynomial through the logs of its masses.
 * @param {ArrayLike<number>} row masses of the nodes
 */
function seriesOf(row) {
  const order = row.length;
  const basis = basisOf(order);
  const [, weight] = leggauss(order);
  const least = 1e-25 * maximum(row);
  const coefficients = new Float64Array(order);
  let total = 0;
  for (let i = 0; i < order; i++) {
    total += row[i];
    const log = Math.log(Math.max(row[i], least) / weight[i]) * weight[i];
    for (let n = 0; n < order; n++) coefficients[n] += log * basis.atNodes[i][n] * (n + 0.5);
  }
  const mass = basis.atFine.map((values, i) => {
    let log = 0;
    for (let n = 0; n < order; n++) log += coefficients[n] * values[n];
    return basis.fineWeight[i] * Math.exp(log);
  });
  const share = total / mass.reduce((sum, value) => sum + value, 0);
  const series = new Float64Array(3 * order);
  mass.forEach((value, i) => {
    for (let n = 0; n < 3 * order; n++) series[n] += share * value * basis.fine[i][n];
  });
  return series;
}

/**
 * Return the distribution of a level's tau; levels count from the highest of the model.
 * @type {(grid: Grid, level: number) => Marginal}
 */
function tauMarginal(grid, level) {
  const { order, axes } = grid.rule;
  const axis = axes.length - 1 - level;
  const inner = order ** level;
  /** @type {Marginal} */
  const marginal = { order, row: [], low: [], high: [], series: [], scale: grid.scale };
  for (let row = 0; row < axes[axis].low.length; row++) {
    const masses = new Float64Array(order);
    let total = 0;
    for (let i = 0; i < order; i++) {
      const first = (row * order + i) * inner;
      for (let node = first; node < first + inner; node++) masses[i] += grid.mass[node];
      total += masses[i];
    }
    if (!(total > 1e-16)) continue;
    marginal.row.push(row);
    marginal.low.push(axes[axis].low[row]);
    marginal.high.push(axes[axis].high[row]);
    marginal.series.push(seriesOf(masses));
  }
  return marginal;
}

/**
 * The share of a series below a share of its row.
 * @param {Float64Array} series
 * @param {number} share in [0, 1]
 */
function seriesCdf(series, share) {
  if (share <= 0) return 0;
  const size = series.length;
  const value = legendre(2 * Math.min(share, 1) - 1, size);
  let sum = (series[0] * (value[0] + value[1])) / 2;
  for (let n = 1; n < size; n++) sum += (series[n] * (value[n + 1] - value[n - 1])) / 2;
  return sum;
}

/** @type {(marginal: Marginal, tau: number) => number} */
function tauCdf(marginal, tau) {
  const x = Math.asinh(tau / marginal.scale);
  let sum = 0;
  marginal.series.forEach((series, row) => {
    const low = marginal.low[row];
    sum += seriesCdf(series, (x - low) / (marginal.high[row] - low));
  });
  return sum;
}

/**
 * The root of an increasing function between low and high, to the precision of numbers.
 * @param {(x: number) => number} f
 * @param {number} low
 * @param {number} high
 */
function root(f, low, high) {
  let fLow = f(low);
  let fHigh = f(high);
  for (let turn = 0; turn < 200 && high - low > 1e-13 * Math.max(1, Math.abs(low)); turn++) {
    // a chord is fast near the root, and every third step halves for safety
    const cut = turn % 3 === 2 ? 0.5 : Math.min(Math.max(-fLow / (fHigh - fLow), 1e-3), 1 - 1e-3);
    const middle = low + (high - low) * (Number.isFinite(cut) ? cut : 0.5);
    const value = f(middle);
    if (value < 0) [low, fLow] = [middle, value];
    else [high, fHigh] = [middle, value];
  }
  return (low + high) / 2;
}

/**
 * Quantiles of a level's tau.
 * @param {Posterior} posterior
 * @param {number} level place among the model's levels
 * @param {number[]} shares
 */
export function tauQuantiles({ grid }, level, shares) {
  const marginal = tauMarginal(grid, level);
  const highest = marginal.scale * Math.sinh(maximum(marginal.high));
  return shares.map((p) => root((tau) => tauCdf(marginal, tau) - p, 0, highest));
}

// MIXTURES

/**
 * The distribution of a combination: number `at` of the posterior's, the terms being the first.
 * @param {Posterior} posterior
 * @param {number} at
 * @param {string} [level] add the spread of true effects down to this level: a new study's mean
 * @returns {Mixture}
 */
export function mixtureOf({ arrays, grid, combinations }, at, level) {
  const r = combinations.length / (arrays.q - 1);
  const levels = LEVELS.filter((name) => arrays.model.levels.includes(name));
  const down = level === undefined ? 0 : levels.indexOf(level) + 1;
  const count = grid.weight.length;
  const centre = new Float64Array(count);
  const within = new Float64Array(count);
  for (let node = 0; node < count; node++) {
    let variance = grid.variance[node * r + at];
    for (let i = 0; i < down; i++) variance += grid.tau[node * levels.length + i] ** 2;
    centre[node] = grid.centre[node * r + at];
    within[node] = Math.sqrt(variance);
  }
  return { weight: grid.weight, centre, within };
}

/** @param {Mixture} mixture */
export function momentsOfMixture({ weight, centre, within }) {
  let mean = 0;
  let variance = 0;
  for (let i = 0; i < weight.length; i++) mean += weight[i] * centre[i];
  for (let i = 0; i < weight.length; i++) variance += weight[i] * (within[i] ** 2 + (centre[i] - mean) ** 2);
  return { mean, sd: Math.sqrt(variance) };
}

/** @type {(mixture: Mixture, x: number) => number} P(value > x) */
export function above({ weight, centre, within }, x) {
  let sum = 0;
  for (let i = 0; i < weight.length; i++) sum += weight[i] * ndtr((centre[i] - x) / within[i]);
  return sum;
}

/** @type {(mixture: Mixture, x: number) => number} */
export function densityAt({ weight, centre, within }, x) {
  let sum = 0;
  for (let i = 0; i < weight.length; i++) {
    const distance = (x - centre[i]) / within[i];
    sum += (weight[i] * Math.exp(-0.5 * distance * distance)) / within[i];
  }
  return sum / Math.sqrt(2 * Math.PI);
}

/**
 * The value below which the share p of a mixture lies: Newton's steps inside a bracket.
 * @param {Mixture} mixture
 * @param {number} p
 */
export function quantile(mixture, p) {
  const { mean, sd } = momentsOfMixture(mixture);
  const below = (/** @type {number} */ x) => 1 - above(mixture, x) - p;
  let low = mean - sd;
  let high = mean + sd;
  while (below(low) > 0) low -= high - low;
  while (below(high) < 0) high += high - low;
  let x = (low + high) / 2;
  for (let turn = 0; turn < 100; turn++) {
    const value = below(x);
    if (value > 0) high = x;
    else low = x;
    let next = x - value / densityAt(mixture, x);
    if (!(next > low && next < high)) next = (low + high) / 2;
    if (Math.abs(next - x) < 1e-13 * sd) return next;
    x = next;
  }
  return x;
}

// SHARES

/**
 * The typical sampling variance (k - p) / tr P, P = W - W X (X'W X)^-1 X'W, over terms with effects.
 * @param {Arrays} arrays
 */
export function typicalVariance(arrays) {
  const { table, included } = arrays;
  const { rho } = arrays.model;
  const { vi, x, group, study, terms } = table;
  const rows = [...vi.keys()].filter((i) => included[study[group[i]]]);
  const used = [...Array(terms).keys()].filter((j) => rows.some((i) => x[i * terms + j] !== 0));
  const p = used.length;
  const size = new Int32Array(study.length);
  const sums = new Float64Array(study.length * p);
  for (const i of rows) {
    size[group[i]]++;
    used.forEach((j, c) => { sums[group[i] * p + c] += x[i * terms + j] / Math.sqrt(vi[i]); });
  }
  let trace = 0;
  const information = new Float64Array(p * p); // X'W X
  const squared = new Float64Array(p * p); // X'W W X
  for (const i of rows) {
    const g = group[i];
    const common = rho / (1 + (size[g] - 1) * rho);
    const root = Math.sqrt(vi[i]);
    trace += (1 - common) / vi[i] / (1 - rho);
    const weighted = used.map((j, c) => (x[i * terms + j] / root - common * sums[g * p + c]) / root / (1 - rho));
    for (let c = 0; c < p; c++) {
      for (let d = 0; d < p; d++) {
        information[c * p + d] += x[i * terms + used[c]] * weighted[d];
        squared[c * p + d] += weighted[c] * weighted[d];
      }
    }
  }
  sweep(information, p, p);
  for (let c = 0; c < p; c++) for (let d = 0; d < p; d++) trace -= information[c * p + d] * squared[d * p + c];
  return (rows.length - p) / trace;
}

/**
 * Quantiles of a function of all taus, from P(function <= value) in every row of the innermost axis.
 *
 * There the function is below the value where tau^2 of the highest level is below a limit, or above
 * it (`upper`). The taus of other levels are at the rows: where the limit passes 0, the
 * probability has a kink, and with few studies an error of up to .01.
 * @param {Grid} grid
 * @param {number[]} shares
 * @param {number} highest largest value
 * @param {boolean} upper
 * @param {(value: number, others: number[]) => number} limit of tau^2; others: tau^2 of lower levels
 */
function rowQuantiles(grid, shares, highest, upper, limit) {
  const { order, axes } = grid.rule;
  const marginal = tauMarginal(grid, 0);
  const others = marginal.row.map((row) => {
    const squares = [];
    let at = row;
    for (let axis = axes.length - 2; axis >= 0; axis--) {
      squares.push((grid.scale * Math.sinh(axes[axis].points[at])) ** 2);
      at = Math.floor(at / order);
    }
    return squares;
  });
  const total = marginal.series.map((series) => seriesCdf(series, 1));
  const cdf = (/** @type {number} */ value) => {
    let sum = 0;
    marginal.series.forEach((series, i) => {
      const x = Math.asinh(Math.sqrt(Math.max(limit(value, others[i]), 0)) / grid.scale);
      const below = seriesCdf(series, (x - marginal.low[i]) / (marginal.high[i] - marginal.low[i]));
      sum += upper ? total[i] - below : below;
    });
    return sum;
  };
  return shares.map((p) => root((value) => cdf(value) - p, 0, highest));
}

/** @param {number[]} values */
const sumOf = (values) => values.reduce((sum, value) => sum + value, 0);

/**
 * Quantiles of I^2 of a level (its place) or in total, as shares.
 * @param {Posterior} posterior
 * @param {number} place number of levels for the total
 * @param {number} typical
 * @param {number[]} shares
 */
function i2Quantiles({ grid }, place, typical, shares) {
  const levels = grid.rule.axes.length;
  const most = 1 - 1e-12;
  if (place === levels) {
    return rowQuantiles(grid, shares, most, false, (c, others) => (c / (1 - c)) * typical - sumOf(others));
  }
  if (place === 0) {
    return rowQuantiles(grid, shares, most, false, (c, others) => (c / (1 - c)) * (sumOf(others) + typical));
  }
  return rowQuantiles(grid, shares, most, true, (c, others) =>
    others[place - 1] / Math.max(c, 1e-300) - sumOf(others) - typical);
}

/** @type {(grid: Grid, shares: number[]) => number[]} */
function totalQuantiles(grid, shares) {
  const farthest = grid.rule.axes.map((axis) => (grid.scale * Math.sinh(maximum(axis.high))) ** 2);
  return rowQuantiles(grid, shares, Math.sqrt(sumOf(farthest)), false, (tau, others) => tau * tau - sumOf(others));
}

/**
 * Means, sds and quantiles of tau and I^2 of every level and in total.
 *
 * I^2 in percent is 100 tau_level^2 / (sum of tau^2 + typical sampling variance).
 * @param {Posterior} posterior
 * @param {number[]} shares quantiles to return
 */
export function heterogeneity(posterior, shares) {
  const { arrays, grid } = posterior;
  const levels = LEVELS.filter((name) => arrays.model.levels.includes(name));
  const typical = typicalVariance(arrays);
  const rows = [...levels, "total"].map((level, place) => {
    const sums = [0, 0, 0, 0]; // of tau, tau^2, I^2 and its square
    for (let node = 0; node < grid.weight.length; node++) {
      let total = 0;
      for (let i = 0; i < levels.length; i++) total += grid.tau[node * levels.length + i] ** 2;
      const variance = level === "total" ? total : grid.tau[node * levels.length + place] ** 2;
      const share = (100 * variance) / (total + typical);
      [Math.sqrt(variance), variance, share, share * share].forEach((x, i) => { sums[i] += grid.weight[node] * x; });
    }
    const sd = (/** @type {number} */ mean, /** @type {number} */ square) => Math.sqrt(Math.max(square - mean ** 2, 0));
    const ofTau = level === "total" ? totalQuantiles(grid, shares) : tauQuantiles(posterior, place, shares);
    const ofI2 = typical > 0 ? i2Quantiles(posterior, place, typical, shares) : shares.map(() => NaN);
    return {
      level,
      tau: { mean: sums[0], sd: sd(sums[0], sums[1]), quantiles: ofTau },
      i2: { mean: sums[2], sd: sd(sums[2], sums[3]), quantiles: ofI2.map((share) => 100 * share) },
    };
  });
  return { typical, rows };
}

// DELETION

/**
 * The posterior without every study.
 * @typedef {object} Deleted
 * @property {Float64Array} elpd log p(y_s | y_-s) (studies), NaN for a study that does not count
 * @property {Float64Array} mean of every combination and tau (studies, r + levels)
 * @property {Float64Array} sd of the same
 * @property {Float64Array} above probability of every event (studies, events)
 * @property {Float64Array} error (studies)
 * @property {number[]} separate studies that had a separate grid
 */

/**
 * A combination is above a threshold.
 * @typedef {object} Event
 * @property {number} at number of the combination
 * @property {number} threshold
 */

const WIDER = 8; // log density beyond the ranges of the full posterior

/**
 * Leave out every study, on a shared grid: at every node a study's cross-products are subtracted.
 * @param {Posterior} posterior
 * @param {object} [options]
 * @param {Event[]} [options.events]
 * @param {number} [options.tolerance]
 * @returns {Deleted}
 */
export function leaveOneStudyOut(posterior, { events = [], tolerance = 1e-6 } = {}) {
  const { arrays, grid, combinations } = posterior;
  const { rule } = grid;
  const { table, model } = arrays;
  const ranges = follow(rule, grid.logDensity, WIDER + SPARE - Math.log(tolerance));
  const finer = Math.min(...[...ORDERS, 2 * rule.order].filter((order) => order > rule.order));
  const [coarse, fine] = [rule.order, finer].map((order) =>
    deleteEach(arrays, place(order, rule.axes.length, ranges), combinations, events));
  const width = fine.mean.length / table.studies;
  const r = combinations.length / table.terms;
  const error = Float64Array.from(fine.edge, (edge, s) => {
    let largest = Math.max(edge, Math.abs(coarse.logEvidence[s] - fine.logEvidence[s]));
    for (let at = s * width; at < (s + 1) * width; at++) {
      const shifts = [coarse.mean[at] - fine.mean[at], coarse.sd[at] - fine.sd[at]];
      largest = Math.max(largest, ...shifts.map((shift) => Math.abs(shift) / fine.sd[at]));
    }
    return largest;
  });
  const separate = [...error.keys()].filter((s) => arrays.included[s] && arrays.effects[s] && !(error[s] <= tolerance));
  const others = combinations.subarray(table.terms ** 2);
  const skipped = [...arrays.included.keys()].filter((s) => !arrays.included[s]);
  for (const s of separate) {
    if (arrays.count === arrays.effects[s]) continue;
    const alone = integrate(table, model, { combinations: others, without: [...skipped, s], tolerance });
    const moments = momentsOf(alone.grid, r, r);
    fine.mean.set(moments.mean, s * width);
    fine.sd.set(moments.sd, s * width);
    fine.logEvidence[s] = alone.grid.logEvidence;
    events.forEach(({ at, threshold }, e) => {
      fine.above[s * events.length + e] = above(mixtureOf(alone, at), threshold);
    });
    error[s] = alone.error;
  }
  const counted = (/** @type {number} */ s) => arrays.included[s] && arrays.effects[s];
  const elpd = fine.logEvidence.map((value, s) => (counted(s) ? grid.logEvidence - value : NaN));
  return { elpd, mean: fine.mean, sd: fine.sd, above: fine.above, error, separate };
}

/**
 * Studies that inform the same terms, and space for the matrices at a node.
 * @typedef {object} Support
 * @property {number[]} terms
 * @property {number[]} studies
 * @property {Float64Array} M
 * @property {Float64Array} inverse
 * @property {Float64Array} m
 * @property {Float64Array} scaled
 * @property {Float64Array} gains c'G of every combination (r, |I|)
 * @property {Float64Array} swept
 */

/**
 * Group the studies by the terms that they inform.
 * @param {Arrays} arrays
 * @param {number} r number of combinations
 * @returns {Support[]}
 */
function supportsOf(arrays, r) {
  /** @type {Map<string, Support>} */
  const supports = new Map();
  for (let s = 0; s < arrays.included.length; s++) {
    if (!arrays.included[s] || !arrays.effects[s]) continue;
    const terms = Array.from(arrays.columns.subarray(arrays.start[s], arrays.start[s + 1] - 1));
    const key = terms.join();
    const size = terms.length;
    const support = supports.get(key) ?? {
      terms,
      studies: [],
      M: new Float64Array(size * size),
      inverse: new Float64Array(size * size),
      m: new Float64Array(size),
      scaled: new Float64Array(size),
      gains: new Float64Array(r * size),
      swept: new Float64Array((size + 1) ** 2),
    };
    supports.set(key, support);
    support.studies.push(s);
  }
  return [...supports.values()];
}

/**
 * Delete every study on a rule; `edge` is the density on the grid's faces relative to the peak.
 *
 * With M = Cov(beta_I | y), m = E[beta_I | y] and the study's K = X_I'V_s^-1 X_I, h = X_I'V_s^-1
 * y_s, c = y_s'V_s^-1 y_s for the terms I that the study informs, beta_I has without the study
 * precision P = M^-1 - K and mean P^-1 a, a = M^-1 m - h; and with G = Cov(beta, beta_I | y) M^-1,
 *
 *     E[beta | y_-s] = E[beta | y] + G (P^-1 a - m)
 *     Cov(beta | y_-s) = Cov(beta | y) + G (P^-1 - M) G'
 * @param {Arrays} arrays
 * @param {Rule} rule
 * @param {Float64Array} combinations
 * @param {Event[]} events
 */
function deleteEach(arrays, rule, combinations, events) {
  const { q, table, effects, start, pairStart } = arrays;
  const p = q - 1;
  const r = combinations.length / p;
  const levels = LEVELS.filter((level) => arrays.model.levels.includes(level));
  const width = r + levels.length;
  const { studies } = table;
  const supports = supportsOf(arrays, r);
  const matrix = new Float64Array(q * q);
  const base = new Float64Array(2 * r);
  const peak = new Float64Array(studies).fill(-Infinity);
  const total = new Float64Array(studies);
  const sum = new Float64Array(studies * width);
  const square = new Float64Array(studies * width);
  const over = new Float64Array(studies * events.length);
  const highest = new Float64Array(studies).fill(-Infinity);
  const face = new Float64Array(studies).fill(-Infinity);
  walk(arrays, rule, (node, given, tau, logOutside) => {
    const density = condition(arrays, given, tau.study, matrix) + logOutside;
    combine(matrix, q, combinations, base);
    const onFace = isOnFace(rule, node);
    const tau2 = tau.study * tau.study;
    for (const support of supports) {
      const { M, inverse, m, scaled, gains, swept } = support;
      const size = m.length;
      const edge = size + 1;
      const logDetM = prepare(support, matrix, q, combinations);
      let quadratic = 0;
      for (let a = 0; a < size; a++) quadratic += m[a] * scaled[a];
      for (const s of support.studies) {
        const D = 1 + tau2 * given.sums.A[s];
        const factor = tau2 / D;
        let pair = pairStart[s];
        for (let a = 0; a <= size; a++) {
          for (let b = a; b <= size; b++, pair++) {
            const ofStudy = given.sums.S[pair] - factor * given.sums.b[start[s] + a] * given.sums.b[start[s] + b];
            let value = -ofStudy;
            if (b < size) value += inverse[a * size + b];
            else value += a < size ? scaled[a] : quadratic;
            swept[a * edge + b] = value;
            swept[b * edge + a] = value;
          }
        }
        const logDetP = sweep(swept, edge, size);
        const L = given.sums.L[s] + Math.log(D);
        const gain = effects[s] * LOG_2_PI + L - logDetM - logDetP - swept[edge * edge - 1];
        let without = density + 0.5 * gain;
        if (!Number.isFinite(without)) without = -Infinity;
        highest[s] = Math.max(highest[s], without);
        if (onFace) face[s] = Math.max(face[s], without);
        const logMass = without + rule.logWeight[node];
        if (!(logMass > peak[s] - 45)) continue;
        if (logMass > peak[s]) {
          const shrink = Math.exp(peak[s] - logMass);
          total[s] *= shrink;
          for (let at = s * width; at < (s + 1) * width; at++) { sum[at] *= shrink; square[at] *= shrink; }
          for (let e = s * events.length; e < (s + 1) * events.length; e++) over[e] *= shrink;
          peak[s] = logMass;
        }
        const share = Math.exp(logMass - peak[s]);
        total[s] += share;
        for (let i = 0; i < r; i++) {
          let mean = base[i];
          let variance = base[r + i];
          for (let a = 0; a < size; a++) {
            const gainA = gains[i * size + a];
            if (gainA === 0) continue;
            mean += gainA * (swept[a * edge + size] - m[a]);
            for (let b = 0; b < size; b++) {
              variance += gainA * gains[i * size + b] * (swept[a * edge + b] - M[a * size + b]);
            }
          }
          sum[s * width + i] += share * mean;
          square[s * width + i] += share * (variance + mean * mean);
          for (let e = 0; e < events.length; e++) {
            if (events[e].at !== i) continue;
            over[s * events.length + e] += share * ndtr((mean - events[e].threshold) / Math.sqrt(variance));
          }
        }
        for (let i = 0; i < levels.length; i++) {
          const value = tau[/** @type {"study"} */ (levels[i])];
          sum[s * width + r + i] += share * value;
          square[s * width + r + i] += share * value * value;
        }
      }
    }
  });
  const mean = sum.map((value, at) => value / total[Math.floor(at / width)]);
  return {
    mean,
    sd: square.map((value, at) => Math.sqrt(value / total[Math.floor(at / width)] - mean[at] ** 2)),
    above: over.map((value, at) => value / total[Math.floor(at / events.length)]),
    logEvidence: peak.map((value, s) => value + Math.log(total[s])),
    edge: face.map((value, s) => Math.exp(value - highest[s])),
  };
}

/**
 * Whether a node is the last of a row of an axis, or the first of a row that does not begin at 0.
 * @param {Rule} rule
 * @param {number} node
 */
function isOnFace({ order, axes }, node) {
  let row = node;
  for (let axis = axes.length - 1; axis >= 0; axis--) {
    const at = row % order;
    row = (row - at) / order;
    if (at === order - 1 || (at === 0 && axes[axis].low[row] > 0)) return true;
  }
  return false;
}

/**
 * Fill M, M^-1, m, M^-1 m and c'G of a support from [[Cov, mean], [., .]] (q, q); return log|M|.
 * @param {Support} support
 * @param {Float64Array} matrix
 * @param {number} q
 * @param {Float64Array} combinations
 */
function prepare({ terms, M, inverse, m, scaled, gains }, matrix, q, combinations) {
  const p = q - 1;
  const size = terms.length;
  for (let a = 0; a < size; a++) {
    m[a] = matrix[terms[a] * q + p];
    for (let b = 0; b < size; b++) M[a * size + b] = matrix[terms[a] * q + terms[b]];
  }
  inverse.set(M);
  const logDet = sweep(inverse, size, size);
  for (let a = 0; a < size; a++) {
    scaled[a] = 0;
    for (let b = 0; b < size; b++) scaled[a] += inverse[a * size + b] * m[b];
  }
  gains.fill(0);
  for (let row = 0; row < combinations.length / p; row++) {
    for (let a = 0; a < size; a++) {
      let covariance = 0;
      for (let i = 0; i < p; i++) {
        const weight = combinations[row * p + i];
        if (weight !== 0) covariance += weight * matrix[i * q + terms[a]];
      }
      for (let b = 0; b < size; b++) gains[row * size + b] += covariance * inverse[a * size + b];
    }
  }
  return logDet;
}
