// @ts-check
/** Sums over effects, groups and studies, and the likelihood given the taus. */
import { log, sqrt, zeros } from "./numbers.mjs";
import { sweep } from "./arrays.mjs";
import { LOG_2_PI } from "./special.mjs";

/** @typedef {import("./arrays.mjs").Arrays} Arrays */

/**
 * Sums over the effects of units, by study.
 * @typedef {object} Sums
 * @property {Float64Array} A of units
 * @property {Float64Array} b of units, on the columns of their study
 * @property {Float64Array} S by study, on the pairs of its columns
 * @property {Float64Array} L by study
 */

/**
 * Return sums over the effects of every group under W, the inverse of V + tau_effect^2 I.
 * @type {(arrays: Arrays, tauEffect: number) => Sums}
 */
export function effectLevel(arrays, tauEffect) {
  const { table, z, zStart, groupStart, pairStart } = arrays;
  const { vi, group, study } = table;
  const { rho } = arrays.model;
  const A = zeros(study.length);
  const b = zeros(groupStart[study.length]);
  const S = zeros(pairStart[table.studies]);
  const L = zeros(table.studies);
  const correlated = rho > 0;
  const common = zeros(study.length);
  const commonZ = correlated ? zeros(b.length) : b;
  const inflation = zeros(study.length).fill(1);
  for (let i = 0; i < vi.length; i++) {
    const g = group[i];
    const s = study[g];
    const variance = (1 - rho) * vi[i] + tauEffect * tauEffect;
    const omega = 1 / variance;
    const width = zStart[i + 1] - zStart[i];
    const first = zStart[i];
    A[g] += omega;
    L[s] += log(variance);
    let pair = pairStart[s];
    for (let c = 0; c < width; c++) {
      const weighted = omega * z[first + c];
      b[groupStart[g] + c] += weighted;
      for (let d = c; d < width; d++) S[pair++] += weighted * z[first + d];
    }
    if (correlated) {
      const scaled = omega * sqrt(vi[i]);
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
    L[s] += log(inflation[g]);
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
export function groupLevel(arrays, sums, tauGroup) {
  const { groupStart, start, pairStart } = arrays;
  const { study, studies } = arrays.table;
  const P = zeros(studies);
  const C = zeros(start[studies]);
  const S = sums.S.slice();
  const L = sums.L.slice();
  const tau2 = tauGroup * tauGroup;
  for (let g = 0; g < study.length; g++) {
    const s = study[g];
    const D = 1 + tau2 * sums.A[g];
    const first = groupStart[g];
    const width = groupStart[g + 1] - first;
    P[s] += sums.A[g] / D;
    for (let c = 0; c < width; c++) C[start[s] + c] += sums.b[first + c] / D;
    if (tau2 === 0) continue;
    L[s] += log(D);
    let pair = pairStart[s];
    for (let c = 0; c < width; c++) {
      const factor = (tau2 / D) * sums.b[first + c];
      for (let d = c; d < width; d++) S[pair++] -= factor * sums.b[first + d];
    }
  }
  return { A: P, b: C, S, L };
}

/**
 * What is equal at all nodes of a tau_group: sums over studies, and by support, what studies have.
 * @typedef {object} Shared
 * @property {Sums} sums
 * @property {Float64Array} S (q, q), upper triangle
 * @property {number} L
 * @property {Float64Array} A of the studies of every support
 * @property {Float64Array} products C C' of every support, pair by pair (pairs, studies)
 */

/** Return what the nodes of a tau_group share. @type {(arrays: Arrays, sums: Sums) => Shared} */
export function shared({ q, pairStart, start, supports, included }, sums) {
  const S = zeros(q * q);
  const A = zeros(included.length);
  const products = zeros(pairStart[included.length]);
  let L = 0;
  let at = 0;
  let first = 0;
  for (const { columns, places, studies } of supports) {
    const count = studies.length;
    for (let i = 0; i < count; i++, at++) {
      const s = studies[i];
      A[at] = sums.A[s];
      L += sums.L[s];
      let pair = 0;
      for (let c = 0; c < columns.length; c++) {
        for (let d = c; d < columns.length; d++, pair++) {
          S[places[pair]] += sums.S[pairStart[s] + pair];
          products[first + pair * count + i] = sums.b[start[s] + c] * sums.b[start[s] + d];
        }
      }
    }
    first += places.length * count;
  }
  return { sums, S, L, A, products };
}

/**
 * Return log p(y | taus); `matrix` (q, q) becomes [[Cov, mean], [., .]] of beta.
 * @param {Arrays} arrays
 * @param {Shared} given
 * @param {number} tauStudy
 * @param {Float64Array} matrix
 */
export function condition(arrays, given, tauStudy, matrix) {
  const { q, prior } = arrays;
  matrix.set(given.S);
  const logD = tauStudy === 0 ? 0 : integrateStudies(arrays, given, tauStudy * tauStudy, matrix);
  for (let i = 0; i < q; i++) {
    for (let j = i; j < q; j++) {
      const value = matrix[i * q + j] + prior[i * q + j];
      matrix[i * q + j] = value;
      matrix[j * q + i] = value;
    }
  }
  const logPivots = sweep(matrix, q, q - 1);
  const logDet = given.L + logD + logPivots + arrays.logDetPrior;
  return -0.5 * (arrays.count * LOG_2_PI + logDet + matrix[q * q - 1]);
}

/**
 * Integrate the studies out of `matrix`; return the sum of log D.
 * @type {(arrays: Arrays, given: Shared, tau2: number, matrix: Float64Array) => number}
 */
function integrateStudies({ supports, factors }, { A, products }, tau2, matrix) {
  let logD = 0;
  let product = 1; // of D: a logarithm of many at once
  let at = 0;
  let next = 0;
  for (const { places, studies } of supports) {
    const count = studies.length;
    for (let i = 0; i < count; i++, at++) {
      const D = 1 + tau2 * A[at];
      factors[i] = tau2 / D;
      product *= D;
      if (product > 1e150) {
        logD += log(product);
        product = 1;
      }
    }
    for (let pair = 0; pair < places.length; pair++) {
      let even = 0; // two sums, which a processor adds to at the same time
      let odd = 0;
      let i = 0;
      for (; i + 1 < count; i += 2, next += 2) {
        even += factors[i] * products[next];
        odd += factors[i + 1] * products[next + 1];
      }
      if (i < count) even += factors[i] * products[next++];
      matrix[places[pair]] -= even + odd;
    }
  }
  return logD + log(product);
}
