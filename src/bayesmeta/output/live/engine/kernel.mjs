// @ts-check
/** Sums over effects, groups and studies, and the likelihood given the taus. */
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
 * Sums over the effects of every group under W, the inverse of V + tau_effect^2 I.
 * @type {(arrays: Arrays, tauEffect: number) => Sums}
 */
export function effectLevel(arrays, tauEffect) {
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
export function groupLevel(arrays, sums, tauGroup) {
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
export function shared(arrays, sums) {
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
export function condition(arrays, given, tauStudy, matrix) {
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
