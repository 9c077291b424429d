// @ts-check
/** Functions of numbers: the normal distribution, the log of the gamma function. */
import { PI, SQRT1_2, abs, exp, log, sin, sqrt, trunc } from "./numbers.mjs";

export const LOG_2_PI = log(2 * PI);
const ERF_NEAR = [
  [3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3, 1.85777706184603153e-1],
  [2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3],
];
const ERFC_MIDDLE = [
  [5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2, 8.81952221241769090e2,
    1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3, 2.15311535474403846e-8],
  [1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3, 3.29079923573345963e3,
    4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3],
];
const ERFC_FAR = [
  [3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4,
    1.63153871373020978e-2],
  [2.56852019228982242, 1.87295284992346047, 5.27905102951428412e-1, 6.05183413124413191e-2, 2.33520497626869185e-3],
];

/**
 * Return a ratio of polynomials; the last coefficient above leads.
 * @param {number[][]} coefficients
 * @param {number} x
 */
function ratio([above, below], x) {
  const last = below.length - 1;
  let top = above[above.length - 1] * x;
  let bottom = x;
  for (let i = 0; i < last; i++) {
    top = (top + above[i]) * x;
    bottom = (bottom + below[i]) * x;
  }
  return (top + above[last]) / (bottom + below[last]);
}

/**
 * Return the complementary error function. Source: Cody 1969, doi 10.1090/S0025-5718-1969-0247736-4.
 * @param {number} x
 */
function erfc(x) {
  const size = abs(x);
  if (size <= 0.46875) return 1 - x * ratio(ERF_NEAR, size * size);
  if (size > 27) return x > 0 ? 0 : 2;
  let value;
  if (size <= 4) {
    value = ratio(ERFC_MIDDLE, size);
  } else {
    const inverse = 1 / (size * size);
    value = (1 / sqrt(PI) - inverse * ratio(ERFC_FAR, inverse)) / size;
  }
  const whole = trunc(size * 16) / 16; // so that the square of a rounded number is exact
  value *= exp(-whole * whole) * exp(-(size - whole) * (size + whole));
  return x > 0 ? value : 2 - value;
}

/** Return the standard normal distribution function. @param {number} x */
export function ndtr(x) {
  return erfc(-x * SQRT1_2) / 2;
}

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/**
 * Return the log of the gamma function of a positive number. Source: Lanczos 1964, doi 10.1137/0701008.
 * @param {number} x
 * @returns {number}
 */
export function logGamma(x) {
  if (x < 0.5) return log(PI / sin(PI * x)) - logGamma(1 - x);
  const z = x - 1;
  let sum = LANCZOS[0];
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i] / (z + i);
  const t = z + 7.5;
  return LOG_2_PI / 2 + (z + 0.5) * log(t) - t + log(sum);
}
