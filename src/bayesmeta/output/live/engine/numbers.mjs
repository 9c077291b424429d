// @ts-check
/** Functions of `Math` and `Number` by their names, and of arrays of numbers. */

export const { LN2, PI, SQRT1_2, abs, asinh, ceil, cos, cosh, exp, expm1, floor, hypot, log, log10, log1p } = Math;
export const { isFinite, isNaN } = Number;
export const { max, min, sign, sin, sinh, sqrt, tanh, trunc } = Math;

/** Return zeros. @param {number} size */
export const zeros = (size) => new Float64Array(size);

/**
 * Return values, or what a function makes of them, as 64-bit floats.
 * @type {(values: ArrayLike<any>, value?: (of: any, at: number) => number) => Float64Array}
 */
export const asFloats = (values, value) => Float64Array.from(values, /** @type {any} */ (value));

/** Return the largest value; -Infinity of none. @param {ArrayLike<number>} values */
export function maximum(values) {
  let highest = -Infinity;
  for (let i = 0; i < values.length; i++) if (values[i] > highest) highest = values[i];
  return highest;
}

/** Return the sum. @param {ArrayLike<number>} values */
export function sumOf(values) {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum;
}

/** Return log(sum(exp(values))). @param {ArrayLike<number>} values */
export function logSumExp(values) {
  const highest = maximum(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += exp(values[i] - highest);
  return highest + log(sum);
}

/**
 * Return the mean and sd of a mixture: weights, and a value and a variance at every node.
 * @param {Float64Array} weight
 * @param {(node: number) => number} value
 * @param {(node: number) => number} [variance]
 */
export function momentsOver(weight, value, variance = () => 0) {
  let mean = 0;
  let square = 0;
  for (let i = 0; i < weight.length; i++) mean += weight[i] * value(i);
  for (let i = 0; i < weight.length; i++) square += weight[i] * (variance(i) + (value(i) - mean) ** 2);
  return { mean, sd: sqrt(square) };
}
