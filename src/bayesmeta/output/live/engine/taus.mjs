// @ts-check
/** Distributions of single taus. */
import { abs, asFloats, asinh, exp, log, max, maximum, min, sinh, sumOf, zeros } from "./numbers.mjs";
import { leggauss } from "./rules.mjs";

/**
 * Distribution of a tau: a Legendre series of the density in every row.
 * @typedef {object} Marginal
 * @property {number[]} row number of every row
 * @property {number[]} low
 * @property {number[]} high
 * @property {Float64Array[]} series
 * @property {number} scale
 */

/** Return the Legendre polynomials P_0 to P_n at x. @type {(x: number, n: number) => Float64Array} */
function legendre(x, n) {
  const values = zeros(n + 1);
  values[0] = 1;
  if (n > 0) values[1] = x;
  for (let i = 2; i <= n; i++) values[i] = ((2 * i - 1) * x * values[i - 1] - (i - 1) * values[i - 2]) / i;
  return values;
}

/** @type {Map<number, {atNodes: Float64Array[], atFine: Float64Array[], fine: Float64Array[], fineWeight: Float64Array}>} */
const knownBases = new Map();

/** Return the Legendre polynomials at the nodes of an order and at three times as many. @param {number} order */
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
 * Return the Legendre series of a row, whose log density is a polynomial through the logs of its masses.
 * @param {Float64Array} row masses of the nodes
 */
function seriesOf(row) {
  const order = row.length;
  const basis = basisOf(order);
  const [, weight] = leggauss(order);
  const least = 1e-25 * maximum(row);
  const coefficients = zeros(order);
  for (let i = 0; i < order; i++) {
    const logDensity = log(max(row[i], least) / weight[i]);
    for (let n = 0; n < order; n++) coefficients[n] += logDensity * weight[i] * basis.atNodes[i][n] * (n + 0.5);
  }
  const mass = basis.atFine.map((values, i) => {
    let logDensity = 0;
    for (let n = 0; n < order; n++) logDensity += coefficients[n] * values[n];
    return basis.fineWeight[i] * exp(logDensity);
  });
  const share = sumOf(row) / sumOf(mass);
  const series = zeros(3 * order);
  mass.forEach((value, i) => {
    for (let n = 0; n < 3 * order; n++) series[n] += share * value * basis.fine[i][n];
  });
  return series;
}

/**
 * Return the distribution of a level's tau; levels count from the highest of the model.
 * @type {(grid: import("./grid.mjs").Grid, level: number) => Marginal}
 */
export function tauMarginal(grid, level) {
  grid.marginals[level] ??= marginalOf(grid, level);
  return grid.marginals[level];
}

/** Compute the distribution of a level's tau. @type {(grid: import("./grid.mjs").Grid, level: number) => Marginal} */
function marginalOf(grid, level) {
  const { order, axes } = grid.rule;
  const axis = axes.length - 1 - level;
  const inner = order ** level;
  /** @type {Marginal} */
  const marginal = { row: [], low: [], high: [], series: [], scale: grid.scale };
  for (let row = 0; row < axes[axis].low.length; row++) {
    const masses = zeros(order);
    for (let i = 0; i < order; i++) {
      const first = (row * order + i) * inner;
      for (let node = first; node < first + inner; node++) masses[i] += grid.mass[node];
    }
    if (!(sumOf(masses) > 1e-16)) continue;
    marginal.row.push(row);
    marginal.low.push(axes[axis].low[row]);
    marginal.high.push(axes[axis].high[row]);
    marginal.series.push(seriesOf(masses));
  }
  return marginal;
}

const MOST_TERMS = 1024;
const RISE = asFloats({ length: MOST_TERMS }, (_, n) => (2 * n + 1) / (n + 1)); // of Legendre's recurrence
const FALL = asFloats({ length: MOST_TERMS }, (_, n) => n / (n + 1));

/**
 * Return the integral of a series below a share of its row.
 * @param {Float64Array} series
 * @param {number} share in [0, 1]
 */
export function seriesCdf(series, share) {
  if (!(share > 0)) return 0;
  if (share >= 1) return series[0];
  const x = 2 * share - 1;
  let before = 1;
  let value = x;
  let sum = series[0] * (1 + x);
  for (let n = 1; n < series.length; n++) {
    const next = RISE[n] * x * value - FALL[n] * before;
    sum += series[n] * (next - before);
    before = value;
    value = next;
  }
  return sum / 2;
}

/** Return P(a level's tau <= tau). @type {(marginal: Marginal, tau: number) => number} */
export function tauCdf(marginal, tau) {
  const x = asinh(tau / marginal.scale);
  let sum = 0;
  marginal.series.forEach((series, row) => {
    const low = marginal.low[row];
    sum += seriesCdf(series, (x - low) / (marginal.high[row] - low));
  });
  return sum;
}

const PRECISION = 1e-13; // of a root, relative to the larger end

/**
 * Return the root of an increasing function between two ends. Source: Chandrupatla 1997, doi
 * 10.1016/S0965-9978(96)00051-8.
 * @param {(x: number) => number} f
 * @param {number} low
 * @param {number} high
 */
export function root(f, low, high) {
  let [a, b, c] = [high, low, high];
  let [fA, fB, fC] = [f(high), f(low), NaN];
  if (fA <= 0) return high;
  if (fB >= 0) return low;
  const least = PRECISION * max(abs(low), abs(high));
  let share = 0.5;
  for (let turn = 0; turn < 200; turn++) {
    const x = a + share * (b - a);
    const value = f(x);
    if (value > 0 === fA > 0) [c, fC] = [a, fA];
    else [c, fC, b, fB] = [b, fB, a, fA];
    [a, fA] = [x, value];
    const step = least / abs(b - a);
    if (step > 0.5 || value === 0) break;
    const along = (a - b) / (c - b);
    const height = (fA - fB) / (fC - fB);
    share = 0.5;
    if (height * height < along && (1 - height) ** 2 < 1 - along) {
      share = (fA / (fB - fA)) * (fC / (fB - fC)) + ((c - a) / (b - a)) * (fA / (fC - fA)) * (fB / (fC - fB));
    }
    share = min(max(share, step), 1 - step);
  }
  return abs(fA) < abs(fB) ? a : b;
}

/**
 * Return quantiles of a level's tau.
 * @param {import("./posterior.mjs").Posterior} posterior
 * @param {number} level place among the model's levels
 * @param {number[]} shares
 */
export function tauQuantiles({ parts }, level, shares) {
  const marginals = parts.map(({ share, grid }) => ({ share, marginal: tauMarginal(grid, level) }));
  const { scale } = marginals[0].marginal;
  const highest = max(...marginals.map(({ marginal }) => maximum(marginal.high)));
  const cdf = (/** @type {number} */ tau) => sumOf(marginals.map(({ share, marginal }) => share * tauCdf(marginal, tau)));
  return shares.map((p) => scale * sinh(root((x) => cdf(scale * sinh(x)) - p, 0, highest)));
}
