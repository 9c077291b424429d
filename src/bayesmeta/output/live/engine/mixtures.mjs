// @ts-check
/** Mixtures of normals: the distributions of combinations of the terms. */
import { PI, abs, exp, momentsOver, sign, sqrt, zeros } from "./numbers.mjs";
import { ndtr } from "./special.mjs";

/**
 * A mixture of normals: weight, centre, within (sds).
 * @typedef {object} Mixture
 * @property {Float64Array} weight
 * @property {Float64Array} centre
 * @property {Float64Array} within
 */

/**
 * Return the distribution of a combination: number `at` of the posterior's, the terms being the first.
 * @param {import("./posterior.mjs").Posterior} posterior
 * @param {number} at
 * @param {string} [level] add the spread of true effects down to this level: a new study's mean
 * @returns {Mixture}
 */
export function mixtureOf({ arrays, weight, tau, centre: centres, variance: variances, combinations }, at, level) {
  const r = combinations.length / (arrays.q - 1);
  const { levels } = arrays.model;
  const down = level === undefined ? 0 : levels.indexOf(level) + 1;
  const count = weight.length;
  const centre = zeros(count);
  const within = zeros(count);
  for (let node = 0; node < count; node++) {
    let variance = variances[node * r + at];
    for (let i = 0; i < down; i++) variance += tau[node * levels.length + i] ** 2;
    centre[node] = centres[node * r + at];
    within[node] = sqrt(variance);
  }
  return { weight, centre, within };
}

/** Return the mean and sd. @param {Mixture} mixture */
export const momentsOfMixture = ({ weight, centre, within }) => momentsOver(weight, (i) => centre[i], (i) => within[i] ** 2);

/** Return P(value > x). @type {(mixture: Mixture, x: number) => number} */
export function above({ weight, centre, within }, x) {
  let sum = 0;
  for (let i = 0; i < weight.length; i++) sum += weight[i] * ndtr((centre[i] - x) / within[i]);
  return sum;
}

/** Return the density. @type {(mixture: Mixture, x: number) => number} */
export function densityAt({ weight, centre, within }, x) {
  let sum = 0;
  for (let i = 0; i < weight.length; i++) {
    const distance = (x - centre[i]) / within[i];
    sum += (weight[i] * exp(-0.5 * distance * distance)) / within[i];
  }
  return sum / sqrt(2 * PI);
}

const ENOUGH = 1e-5; // sds: the error after so short a step of Halley is below rounding

/**
 * Return the value below which the share p of a mixture lies: Halley's steps inside a bracket.
 * @param {Mixture} mixture
 * @param {number} p
 */
export function quantile(mixture, p) {
  const { weight, centre, within } = mixture;
  const { mean, sd } = momentsOfMixture(mixture);
  let low = -Infinity;
  let high = Infinity;
  let x = mean + 4.91 * (p ** 0.14 - (1 - p) ** 0.14) * sd; // about the normal quantile
  for (let turn = 0; turn < 200; turn++) {
    let below = -p;
    let density = 0;
    let slope = 0;
    for (let i = 0; i < weight.length; i++) {
      const distance = (x - centre[i]) / within[i];
      const height = (weight[i] * exp(-0.5 * distance * distance)) / within[i];
      below += weight[i] * ndtr(distance);
      density += height;
      slope -= (height * distance) / within[i];
    }
    if (below > 0) high = x;
    else low = x;
    const newton = (below * sqrt(2 * PI)) / density;
    let next = x - newton / (1 - (newton * slope) / (2 * density));
    const inside = next >= low && next <= high;
    if (!inside) next = high - low < Infinity ? (low + high) / 2 : x - sign(below) * sd;
    if (abs(next - x) < (inside ? ENOUGH : 1e-13) * sd) return next;
    x = next;
  }
  return x;
}
