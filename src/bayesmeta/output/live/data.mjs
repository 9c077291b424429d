// @ts-check
/** The data of the page: the other side of `encoding.py`, and the models that a reader makes of them. */
import { asFloats, exp, sqrt, zeros } from "./engine/numbers.mjs";

import { logGamma } from "./engine/special.mjs";

/** @typedef {import("./engine/arrays.mjs").Table} Table */
/** @typedef {import("./engine/arrays.mjs").Model} Model */
/** @typedef {import("./engine/families.mjs").TauPrior} TauPrior */

/** Return the bytes of a text in base64. @param {string} text */
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;

/** Return 64-bit floats of a text in base64. @param {string} text */
export const floatsOf = (text) => new Float64Array(bytesOf(text));

/** Return 32-bit integers of a text in base64. @param {string} text */
export const integersOf = (text) => new Int32Array(bytesOf(text));

/**
 * Return the table of the page.
 * @param {any} encoded
 * @returns {Table}
 */
export function tableOf(encoded) {
  const terms = encoded.terms.length;
  const rows = floatsOf(encoded.rows);
  const row = integersOf(encoded.row);
  const x = zeros(row.length * terms);
  row.forEach((at, i) => x.set(rows.subarray(at * terms, (at + 1) * terms), i * terms));
  return {
    yi: floatsOf(encoded.yi),
    vi: floatsOf(encoded.vi),
    x,
    terms,
    group: integersOf(encoded.group),
    study: integersOf(encoded.study),
    studies: encoded.studies.length,
  };
}

/**
 * Return a table with other effects and variances in some rows.
 * @param {Table} table
 * @param {any} encoded rows, and their yi and vi
 * @returns {Table}
 */
export function tableWith({ yi, vi, ...others }, encoded) {
  const rows = integersOf(encoded.rows);
  const [changedYi, changedVi] = [[yi, encoded.yi], [vi, encoded.vi]].map(([old, text]) => {
    const column = old.slice();
    floatsOf(text).forEach((value, at) => { column[rows[at]] = value; });
    return column;
  });
  return { yi: changedYi, vi: changedVi, ...others };
}

/**
 * Return the weights of the terms in a term or, after the terms, in a combination, by number.
 * @param {number} terms
 * @param {Float64Array} combinations
 * @param {number} at
 */
export function weightsOf(terms, combinations, at) {
  const weights = zeros(terms);
  if (at < terms) weights[at] = 1;
  else weights.set(combinations.subarray((at - terms) * terms, (at - terms + 1) * terms));
  return weights;
}

/**
 * What a reader may change of the model; a missing choice is that of the report.
 * @typedef {object} Choices
 * @property {string[]} [levels]
 * @property {number} [rho]
 * @property {number[]} [rhoPrior] a and b of a Beta prior; empty if rho is fixed
 * @property {TauPrior} [tau]
 * @property {number} [location] prior mean of every mean
 * @property {number} [scale] prior sd of every term, or a factor of the sds if the prior has parts
 */

/**
 * Return the model of the report, with a reader's changes.
 * @param {any} encoded
 * @param {Choices} [choices]
 * @returns {Model}
 */
export function modelOf(encoded, choices = {}) {
  const { levels, rho, rhoPrior, tau, location, scale } = { ...encoded, ...encoded.terms, ...choices };
  const direction = floatsOf(encoded.direction);
  const factor = (scale ?? 1) / (encoded.terms.scale ?? 1);
  const shift = (location ?? 0) - (encoded.terms.location ?? 0);
  return {
    levels,
    rho,
    rhoPrior: rhoPrior.length ? rhoPrior : undefined,
    tau,
    mean: floatsOf(encoded.mean).map((value, i) => value + shift * direction[i]),
    covariance: floatsOf(encoded.covariance).map((value) => value * factor * factor),
  };
}

/**
 * A row that a reader adds: an effect of a new study.
 * @typedef {object} NewStudy
 * @property {string} label
 * @property {number} yi
 * @property {number} vi
 * @property {number[]} x its row of the design
 */

/**
 * Return the table of some effects, with new studies after them; studies keep their numbers.
 * @param {Table} table
 * @param {ArrayLike<boolean | number>} kept whether every effect is kept (k)
 * @param {NewStudy[]} [added]
 * @returns {Table}
 */
export function chosenTable({ yi, vi, x, terms, group, study, studies }, kept, added = []) {
  const rows = [...yi.keys()].filter((row) => kept[row]);
  const groups = [...new Set(rows.map((row) => group[row]))];
  const places = new Map(groups.map((old, at) => [old, at]));
  /** @type {(ofOld: (row: number) => number | number[], ofNew: (row: NewStudy) => number | number[]) => Float64Array} */
  const column = (ofOld, ofNew) => asFloats([...rows.flatMap(ofOld), ...added.flatMap(ofNew)]);
  return {
    yi: column((row) => yi[row], (row) => row.yi),
    vi: column((row) => vi[row], (row) => row.vi),
    x: column((row) => [...x.subarray(row * terms, (row + 1) * terms)], (row) => row.x),
    terms,
    group: Int32Array.from([...rows.map((row) => places.get(group[row]) ?? 0), ...added.map((_, at) => groups.length + at)]),
    study: Int32Array.from([...groups.map((old) => study[old]), ...added.map((_, at) => studies + at)]),
    studies: studies + added.length,
  };
}

/**
 * Return Hedges' g with the exact correction, and its sampling variance (metafor's SMD, vtype LS).
 * @param {Record<string, number>} numbers m1, sd1, n1, m2, sd2, n2
 */
export function hedges({ m1, sd1, n1, m2, sd2, n2 }) {
  const df = n1 + n2 - 2;
  const correction = exp(logGamma(df / 2) - logGamma((df - 1) / 2)) / sqrt(df / 2);
  const pooled = sqrt(((n1 - 1) * sd1 ** 2 + (n2 - 1) * sd2 ** 2) / df);
  const yi = (correction * (m1 - m2)) / pooled;
  return { yi, vi: 1 / n1 + 1 / n2 + yi ** 2 / (2 * (n1 + n2)) };
}
