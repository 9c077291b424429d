// @ts-check
/** The families of priors of a tau, a row each, and the prior of all taus. */
import { LN2, PI, abs, exp, hypot, log, log1p, max, sumOf } from "./numbers.mjs";
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

/** Return the log density of Student's t. @param {number} x @param {number} df */
const logStudent = (x, df) =>
  logGamma((df + 1) / 2) - logGamma(df / 2) - 0.5 * log(df * PI) - ((df + 1) / 2) * log1p((x * x) / df);

/**
 * Return the size of parameters, and parameters of a size: between fixed ones, on a scale.
 * @param {number[]} before
 * @param {number[]} [after]
 * @param {(x: number) => number} [to]
 * @param {(x: number) => number} [back]
 * @returns {Pick<Family, "size" | "typical">}
 */
const sizedBy = (before, after = [], to = Number, back = Number) => ({
  size: (parameters) => back(parameters[before.length]),
  typical: (size) => [...before, to(size), ...after],
});

/** @type {Record<string, Family>} */
export const FAMILIES = {
  HalfNormal: {
    parameters: ["scale"], ...sizedBy([]),
    logDensity: (x, [scale]) => 0.5 * log(2 / PI) - log(scale) - 0.5 * (x / scale) ** 2,
  },
  HalfStudentT: {
    parameters: ["df", "scale"], ...sizedBy([4]),
    logDensity: (x, [df, scale]) => LN2 + logStudent(x / scale, df) - log(scale),
  },
  HalfCauchy: {
    parameters: ["scale"], ...sizedBy([]),
    logDensity: (x, [scale]) => log(2 / (PI * scale)) - log1p((x / scale) ** 2),
  },
  Exponential: {
    parameters: ["scale"], ...sizedBy([]),
    logDensity: (x, [scale]) => -log(scale) - x / scale,
  },
  Gamma: {
    parameters: ["shape", "rate"], size: ([shape, rate]) => shape / rate, typical: (size) => [2, 2 / size],
    logDensity: (x, [shape, rate]) => shape * log(rate) - logGamma(shape) + (shape - 1) * log(x) - rate * x,
  },
  InvGamma: {
    parameters: ["shape", "scale"], ...sizedBy([2]),
    logDensity: (x, [shape, scale]) => shape * log(scale) - logGamma(shape) - (shape + 1) * log(x) - scale / x,
  },
  LogNormal: {
    parameters: ["mean", "sd"], ...sizedBy([], [1], log, exp),
    logDensity: (x, [mean, sd]) => -0.5 * (LOG_2_PI + ((log(x) - mean) / sd) ** 2) - log(sd * x),
  },
  LogStudentT: {
    parameters: ["df", "mean", "scale"], ...sizedBy([4], [1], log, exp),
    logDensity: (x, [df, mean, scale]) => logStudent((log(x) - mean) / scale, df) - log(scale * x),
  },
  Uniform: {
    parameters: ["low", "high"], size: ([low, high]) => (low + high) / 2, typical: (size) => [0, 2 * size],
    logDensity: (x, [low, high]) => (x >= low && x <= high ? -log(high - low) : -Infinity),
  },
};

const FARTHEST_PARAMETER = 1e12;

/**
 * Return whether numbers can be the parameters of a family.
 * @param {string} family
 * @param {any} parameters
 */
export function fits(family, parameters) {
  if (!Object.hasOwn(FAMILIES, family) || !Array.isArray(parameters)) return false;
  const names = FAMILIES[family].parameters;
  const inside = (/** @type {any} */ value, /** @type {string} */ name) => typeof value === "number"
    && abs(value) <= FARTHEST_PARAMETER && (name === "mean" || value > 0 || (name === "low" && value === 0));
  return parameters.length === names.length && names.every((name, at) => inside(parameters[at], name))
    && !(family === "Uniform" && parameters[0] >= parameters[1]);
}

/** @typedef {{study: number, group: number, effect: number}} Taus */

/**
 * Return the log density of the taus: of every level by itself, and a joint part.
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
  const constant = logGamma(sumOf(a)) - sumOf(a.map(logGamma));
  return {
    alone: () => 0,
    joint: (taus) => {
      const each = levels.map((level) => taus[/** @type {"study"} */ (level)]);
      const total = hypot(...each);
      const logs = each.map((tau) => log(max(tau, Number.MIN_VALUE)));
      const logTotal = log(total);
      const shares = sumOf(logs.map((value, at) => 2 * (a[at] - 1) * (value - logTotal)));
      const jacobian = (count - 1) * LN2 + sumOf(logs) - (2 * count - 1) * logTotal;
      return FAMILIES[prior.family].logDensity(total, prior.parameters) + constant + shares + jacobian;
    },
  };
}
