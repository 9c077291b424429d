// @ts-check
/**
 * Nodes over rho with a Beta prior, as in Python's `outer`.
 *
 * The axis is z = Phi^-1(u) of the prior probability u below rho, which has a standard normal
 * density, so that the tails of a prior, where the data may be, are not far away.
 */
import { abs, exp, log, log1p } from "./numbers.mjs";
import { leggauss, nodesBetween } from "./rules.mjs";
import { LOG_2_PI, logGamma, ndtr } from "./special.mjs";
import { root } from "./taus.mjs";

export const LOWEST_Z = -4.5; // below it is 3e-6 of the prior
export const HIGHEST_Z = 4.5; // above it errors correlate so closely that their covariance is singular
const FRACTIONS = 400;
const FARTHEST_LOGIT = 700;

/** Return the log of the standard normal density. @param {number} z */
export const logNormal = (z) => -0.5 * (z * z + LOG_2_PI);

/**
 * Return P(value <= x) of a Beta distribution: a continued fraction. Source: Press et al. 2007, Numerical
 * Recipes, section 6.4.
 * @param {number} x
 * @param {number} a
 * @param {number} b
 * @returns {number}
 */
export function betaCdf(x, a, b) {
  if (x > (a + 1) / (a + b + 2)) return 1 - betaCdf(1 - x, b, a);
  const tiny = 1e-300;
  const front = exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * log(x) + b * log1p(-x)) / a;
  let value = 1;
  let above = 1;
  let below = 0;
  for (let i = 0; i < FRACTIONS; i++) {
    const m = i >> 1;
    let coefficient = 1;
    if (i % 2) coefficient = -((a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    else if (i) coefficient = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    below = 1 + coefficient * below;
    below = 1 / (abs(below) < tiny ? tiny : below);
    above = 1 + coefficient / above;
    if (abs(above) < tiny) above = tiny;
    value *= above * below;
    if (i && abs(above * below - 1) < 1e-15) break;
  }
  return front * (value - 1);
}

/**
 * Return the value below which the share p of a Beta distribution lies.
 * @type {(p: number, a: number, b: number) => number}
 */
export function betaQuantile(p, a, b) {
  const valueAt = (/** @type {number} */ logit) => 1 / (1 + exp(-logit));
  const logP = log(p); // the distance in logs is also exact far out
  return valueAt(root((logit) => log(betaCdf(valueAt(logit), a, b)) - logP, -FARTHEST_LOGIT, FARTHEST_LOGIT));
}

/**
 * Return nodes of a rule over rho: values, coordinates, and prior probabilities.
 * @param {number[]} prior a and b
 * @param {number} order
 * @param {number[]} box ends of z
 */
export function nodesOfRho([a, b], order, [low, high]) {
  const [, weight] = leggauss(order);
  const z = nodesBetween(order, low, high);
  return {
    z,
    rho: z.map((value) => (value < 0 ? betaQuantile(ndtr(value), a, b) : 1 - betaQuantile(ndtr(-value), b, a))),
    weight: z.map((value, at) => ((high - low) / 2) * weight[at] * exp(logNormal(value))),
  };
}
