// @ts-check
/** The families of priors of a tau, a row each, and the prior of all taus. */
import { LOG_2_PI, logGamma } from "./special.mjs";

/**
 * A prior of positive numbers.
 * @typedef {object} Prior
 * @property {string} family a name of `FAMILIES`
 * @property {number[]} parameters in Python's order
 */

/**
 * The prior of the taus: equal for all levels, except for some levels; or of their total.
 * @typedef {object} TauPrior
 * @property {string} family
 * @property {number[]} parameters
 * @property {Record<string, Prior>} [byLevel] priors of single levels
 * @property {number[]} [allocation] Dirichlet of the shares of total tau^2, highest level first
 */

/**
 * @typedef {object} Family
 * @property {string[]} parameters names
 * @property {(x: number, parameters: number[]) => number} logDensity
 * @property {(parameters: number[]) => number} size about the median
 * @property {(size: number) => number[]} typical parameters of about this size
 */

/** The log density of Student's t. @param {number} x @param {number} df */
const logStudent = (x, df) =>
  logGamma((df + 1) / 2) - logGamma(df / 2) - 0.5 * Math.log(df * Math.PI) - ((df + 1) / 2) * Math.log1p((x * x) / df);

const ofScale = {
  size: (/** @type {number[]} */ [scale]) => scale,
  typical: (/** @type {number} */ size) => [size],
};
const ofLogs = (/** @type {number[]} */ before, /** @type {number[]} */ after) => ({
  size: (/** @type {number[]} */ parameters) => Math.exp(parameters[before.length]),
  typical: (/** @type {number} */ size) => [...before, Math.log(size), ...after],
});

/** @type {Record<string, Family>} */
export const FAMILIES = {
  HalfNormal: {
    parameters: ["scale"], ...ofScale,
    logDensity: (x, [scale]) => 0.5 * Math.log(2 / Math.PI) - Math.log(scale) - 0.5 * (x / scale) ** 2,
  },
  HalfStudentT: {
    parameters: ["df", "scale"], size: ([, scale]) => scale, typical: (size) => [4, size],
    logDensity: (x, [df, scale]) => Math.LN2 + logStudent(x / scale, df) - Math.log(scale),
  },
  HalfCauchy: {
    parameters: ["scale"], ...ofScale,
    logDensity: (x, [scale]) => Math.log(2 / (Math.PI * scale)) - Math.log1p((x / scale) ** 2),
  },
  Exponential: {
    parameters: ["scale"], ...ofScale,
    logDensity: (x, [scale]) => -Math.log(scale) - x / scale,
  },
  Gamma: {
    parameters: ["shape", "rate"], size: ([shape, rate]) => shape / rate, typical: (size) => [2, 2 / size],
    logDensity: (x, [shape, rate]) => shape * Math.log(rate) - logGamma(shape) + (shape - 1) * Math.log(x) - rate * x,
  },
  InvGamma: {
    parameters: ["shape", "scale"], size: ([, scale]) => scale, typical: (size) => [2, size],
    logDensity: (x, [shape, scale]) => shape * Math.log(scale) - logGamma(shape) - (shape + 1) * Math.log(x) - scale / x,
  },
  LogNormal: {
    parameters: ["mean", "sd"], ...ofLogs([], [1]),
    logDensity: (x, [mean, sd]) => -0.5 * (LOG_2_PI + ((Math.log(x) - mean) / sd) ** 2) - Math.log(sd * x),
  },
  LogStudentT: {
    parameters: ["df", "mean", "scale"], ...ofLogs([4], [1]),
    logDensity: (x, [df, mean, scale]) => logStudent((Math.log(x) - mean) / scale, df) - Math.log(scale * x),
  },
  Uniform: {
    parameters: ["low", "high"], size: ([low, high]) => (low + high) / 2, typical: (size) => [0, 2 * size],
    logDensity: (x, [low, high]) => (x >= low && x <= high ? -Math.log(high - low) : -Infinity),
  },
};

const FARTHEST_PARAMETER = 1e12;

/**
 * Whether numbers can be the parameters of a family.
 * @param {string} family
 * @param {any} parameters
 */
export function fits(family, parameters) {
  if (!Object.hasOwn(FAMILIES, family) || !Array.isArray(parameters)) return false;
  const names = FAMILIES[family].parameters;
  const inside = (/** @type {any} */ value, /** @type {string} */ name) => typeof value === "number"
    && Math.abs(value) <= FARTHEST_PARAMETER && (name === "mean" || value > 0 || (name === "low" && value === 0));
  return parameters.length === names.length && names.every((name, at) => inside(parameters[at], name))
    && !(family === "Uniform" && parameters[0] >= parameters[1]);
}

/** @typedef {{study: number, group: number, effect: number}} Taus */

/**
 * The log density of the taus: of every level by itself, and a joint part.
 * @param {string[]} levels highest first
 * @param {TauPrior} prior
 * @returns {{alone: (level: string, tau: number) => number, joint: (taus: Taus) => number}}
 */
export function densityOfTaus(levels, prior) {
  const count = levels.length;
  if (!prior.allocation || count === 1) {
    return {
      alone: (level, tau) => {
        const { family, parameters } = prior.byLevel?.[level] ?? prior;
        return FAMILIES[family].logDensity(tau, parameters);
      },
      joint: () => 0,
    };
  }
  const a = prior.allocation.length === count ? prior.allocation : levels.map(() => 1); // as in Python
  const constant = logGamma(a.reduce((sum, value) => sum + value, 0)) - a.reduce((sum, value) => sum + logGamma(value), 0);
  return {
    alone: () => 0,
    joint: (taus) => {
      const each = levels.map((level) => taus[/** @type {"study"} */ (level)]);
      const total = Math.hypot(...each);
      const logs = each.map((tau) => Math.log(Math.max(tau, Number.MIN_VALUE)));
      const shares = logs.reduce((sum, log, at) => sum + 2 * (a[at] - 1) * (log - Math.log(total)), 0);
      const jacobian = logs.reduce((sum, log) => sum + Math.LN2 + log, -Math.LN2) - (2 * count - 1) * Math.log(total);
      return FAMILIES[prior.family].logDensity(total, prior.parameters) + constant + shares + jacobian;
    },
  };
}
