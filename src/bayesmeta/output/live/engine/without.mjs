// @ts-check
/** Studies taken out of a posterior, at every node of a rule. */
import { exp, floor, isFinite, log, max, sqrt, zeros } from "./numbers.mjs";
import { sweep } from "./arrays.mjs";
import { combine, walk } from "./grid.mjs";
import { condition } from "./kernel.mjs";
import { LOG_2_PI, ndtr } from "./special.mjs";

/** @typedef {import("./arrays.mjs").Arrays} Arrays */
/** @typedef {import("./rules.mjs").Rule} Rule */
/** @typedef {import("./deletion.mjs").Event} Event */

/**
 * Space for the matrices of a support at a node.
 * @typedef {object} Space
 * @property {number[]} terms that its studies inform
 * @property {number[]} studies
 * @property {Float64Array} M
 * @property {Float64Array} inverse
 * @property {Float64Array} m
 * @property {Float64Array} scaled
 * @property {Float64Array} gains c'G of every combination (r, |I|)
 * @property {Float64Array} swept
 */

/**
 * Return space for the matrices of a support.
 * @param {import("./arrays.mjs").Support} support
 * @param {number} r number of combinations
 * @returns {Space}
 */
function spaceOf({ columns, studies }, r) {
  const terms = columns.slice(0, -1);
  const size = terms.length;
  const [M, inverse, swept] = [size, size, size + 1].map((side) => zeros(side * side));
  const [m, scaled] = [0, 1].map(() => zeros(size));
  return { terms, studies, M, inverse, m, scaled, gains: zeros(r * size), swept };
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
export function deleteEach(arrays, rule, combinations, events) {
  const { q, table, effects, start, pairStart } = arrays;
  const p = q - 1;
  const r = combinations.length / p;
  const { levels } = arrays.model;
  const width = r + levels.length;
  const { studies } = table;
  const spaces = arrays.supports.map((support) => spaceOf(support, r));
  const matrix = zeros(q * q);
  const base = zeros(2 * r);
  const peak = zeros(studies).fill(-Infinity);
  const total = zeros(studies);
  const sum = zeros(studies * width);
  const square = zeros(studies * width);
  const over = zeros(studies * events.length);
  const highest = zeros(studies).fill(-Infinity);
  const face = zeros(studies).fill(-Infinity);
  walk(arrays, rule, (node, given, tau, logOutside) => {
    const density = condition(arrays, given, tau.study, matrix) + logOutside;
    combine(matrix, q, combinations, base);
    const onFace = isOnFace(rule, node);
    const tau2 = tau.study * tau.study;
    for (const space of spaces) {
      const { M, inverse, m, scaled, gains, swept } = space;
      const size = m.length;
      const edge = size + 1;
      const logDetM = prepare(space, matrix, q, combinations);
      let quadratic = 0;
      for (let a = 0; a < size; a++) quadratic += m[a] * scaled[a];
      for (const s of space.studies) {
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
        const L = given.sums.L[s] + log(D);
        const gain = effects[s] * LOG_2_PI + L - logDetM - logDetP - swept[edge * edge - 1];
        let without = density + 0.5 * gain;
        if (!isFinite(without)) without = -Infinity;
        highest[s] = max(highest[s], without);
        if (onFace) face[s] = max(face[s], without);
        const logMass = without + rule.logWeight[node];
        if (!(logMass > peak[s] - 45)) continue;
        if (logMass > peak[s]) {
          const shrink = exp(peak[s] - logMass);
          total[s] *= shrink;
          for (let at = s * width; at < (s + 1) * width; at++) { sum[at] *= shrink; square[at] *= shrink; }
          for (let e = s * events.length; e < (s + 1) * events.length; e++) over[e] *= shrink;
          peak[s] = logMass;
        }
        const share = exp(logMass - peak[s]);
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
            over[s * events.length + e] += share * ndtr((mean - events[e].threshold) / sqrt(variance));
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
  const mean = sum.map((value, at) => value / total[floor(at / width)]);
  return {
    mean,
    sd: square.map((value, at) => sqrt(value / total[floor(at / width)] - mean[at] ** 2)),
    above: over.map((value, at) => value / total[floor(at / events.length)]),
    logEvidence: peak.map((value, s) => value + log(total[s])),
    edge: face.map((value, s) => exp(value - highest[s])),
  };
}

/**
 * Return whether a node is the last of a row of an axis, or the first of a row that does not begin at 0.
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
 * @param {Space} space
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
