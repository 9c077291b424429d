// @ts-check
/** The taus and the shares of variance. */
import { asinh, floor, max, maximum, momentsOver, sinh, sqrt, sumOf, zeros } from "./numbers.mjs";
import { sweep } from "./arrays.mjs";
import { root, seriesCdf, tauMarginal, tauQuantiles } from "./taus.mjs";

/** @typedef {import("./posterior.mjs").Posterior} Posterior */

/**
 * Return the typical sampling variance (k - p) / tr P, P = W - W X (X'W X)^-1 X'W, over terms with effects.
 * @param {import("./arrays.mjs").Arrays} arrays
 * @param {number} rho
 */
function typicalVariance({ table, included }, rho) {
  const { vi, x, group, study, terms } = table;
  const rows = [...vi.keys()].filter((i) => included[study[group[i]]]);
  const used = [...Array(terms).keys()].filter((j) => rows.some((i) => x[i * terms + j] !== 0));
  const p = used.length;
  const size = new Int32Array(study.length);
  const sums = zeros(study.length * p);
  for (const i of rows) {
    size[group[i]]++;
    used.forEach((j, c) => { sums[group[i] * p + c] += x[i * terms + j] / sqrt(vi[i]); });
  }
  let trace = 0;
  const information = zeros(p * p); // X'W X
  const squared = zeros(p * p); // X'W W X
  for (const i of rows) {
    const g = group[i];
    const common = rho / (1 + (size[g] - 1) * rho);
    const sei = sqrt(vi[i]);
    trace += (1 - common) / vi[i] / (1 - rho);
    const weighted = used.map((j, c) => (x[i * terms + j] / sei - common * sums[g * p + c]) / sei / (1 - rho));
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

/** @typedef {(value: number, others: number[]) => number} Limit of tau^2; others: tau^2 of lower levels */

/**
 * Return quantiles of a function of all taus, from P(function <= value) in every row of the innermost axis.
 *
 * There the function is below the value where tau^2 of the highest level is below a limit, or above
 * it (`upper`). The taus of other levels are at the rows: where the limit passes 0, the
 * probability has a kink, and with few studies an error of up to .01.
 * @param {Posterior} posterior
 * @param {number[]} shares
 * @param {number} highest largest value
 * @param {boolean} upper
 * @param {Limit} limit
 */
function rowQuantiles({ parts }, shares, highest, upper, limit) {
  const rows = parts.flatMap(({ share, grid }) => {
    const marginal = tauMarginal(grid, 0);
    return marginal.series.map((series, i) => ({
      share, series, scale: grid.scale, low: marginal.low[i], high: marginal.high[i], others: lowerTaus(grid, marginal.row[i]),
    }));
  });
  const cdf = (/** @type {number} */ value) => {
    let sum = 0;
    for (const { share, series, scale, low, high, others } of rows) {
      const x = asinh(sqrt(max(limit(value, others), 0)) / scale);
      const below = seriesCdf(series, (x - low) / (high - low));
      sum += share * (upper ? series[0] - below : below);
    }
    return sum;
  };
  return shares.map((p) => root((value) => cdf(value) - p, 0, highest));
}

/**
 * Return squares of the taus of the lower levels at a row of the innermost axis.
 * @type {(grid: import("./grid.mjs").Grid, row: number) => number[]}
 */
function lowerTaus({ rule: { order, axes }, scale }, row) {
  const squares = [];
  let at = row;
  for (let axis = axes.length - 2; axis >= 0; axis--) {
    squares.push((scale * sinh(axes[axis].points[at])) ** 2);
    at = floor(at / order);
  }
  return squares;
}

/**
 * Return quantiles of I^2 of a level (its place) or in total, as shares.
 * @param {Posterior} posterior
 * @param {number} place number of levels for the total
 * @param {number} typical
 * @param {number[]} shares
 */
function i2Quantiles(posterior, place, typical, shares) {
  const { levels } = posterior.arrays.model;
  /** @type {Limit} */
  let limit = (c, others) => others[place - 1] / max(c, 1e-300) - sumOf(others) - typical;
  if (place === levels.length) limit = (c, others) => (c / (1 - c)) * typical - sumOf(others);
  else if (place === 0) limit = (c, others) => (c / (1 - c)) * (sumOf(others) + typical);
  return rowQuantiles(posterior, shares, 1 - 1e-12, place > 0 && place < levels.length, limit);
}

/** Return quantiles of the total tau. @type {(posterior: Posterior, shares: number[]) => number[]} */
function totalQuantiles(posterior, shares) {
  const farthest = posterior.parts.map(({ grid }) =>
    sumOf(grid.rule.axes.map((axis) => (grid.scale * sinh(maximum(axis.high))) ** 2)));
  const highest = sqrt(max(...farthest));
  return rowQuantiles(posterior, shares, highest, false, (tau, others) => tau * tau - sumOf(others));
}

/**
 * Return means, sds and quantiles of tau and I^2 of every level and in total.
 *
 * I^2 in percent is 100 tau_level^2 / (sum of tau^2 + typical sampling variance).
 * @param {Posterior} posterior
 * @param {number[]} shares quantiles to return
 */
export function heterogeneity(posterior, shares) {
  const { arrays, weight, tau } = posterior;
  const { levels } = arrays.model;
  const count = levels.length;
  const typical = typicalVariance(arrays, posterior.rho);
  const totals = weight.map((_, node) => sumOf([...tau.subarray(node * count, (node + 1) * count)].map((x) => x * x)));
  const rows = [...levels, "total"].map((level, place) => {
    const variances = level === "total" ? totals : weight.map((_, node) => tau[node * count + place] ** 2);
    const ofTau = level === "total" ? totalQuantiles(posterior, shares) : tauQuantiles(posterior, place, shares);
    const ofI2 = typical > 0 ? i2Quantiles(posterior, place, typical, shares) : shares.map(() => NaN);
    return {
      level,
      tau: { ...momentsOver(weight, (node) => sqrt(variances[node])), quantiles: ofTau },
      i2: {
        ...momentsOver(weight, (node) => (100 * variances[node]) / (totals[node] + typical)),
        quantiles: ofI2.map((share) => 100 * share),
      },
    };
  });
  return { typical, rows };
}
