// @ts-check
/** The data of the page: the other side of `encoding.py`, and the models that a reader makes of them. */
import { zeros } from "./engine/numbers.mjs";

/** @typedef {import("./engine/arrays.mjs").Table} Table */
/** @typedef {import("./engine/arrays.mjs").Model} Model */
/** @typedef {import("./engine/families.mjs").TauPrior} TauPrior */

/**
 * The bytes of a text in base64.
 * @param {string} text
 */
function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
}

/** @param {string} text */
export const floatsOf = (text) => new Float64Array(bytesOf(text));

/** @param {string} text */
export const integersOf = (text) => new Int32Array(bytesOf(text));

/**
 * The table of the page.
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
 * The model of the report, with a reader's changes.
 * @param {any} encoded
 * @param {Choices} [choices]
 * @returns {Model}
 */
export function modelOf(encoded, choices = {}) {
  const mean = floatsOf(encoded.mean);
  const covariance = floatsOf(encoded.covariance);
  const direction = floatsOf(encoded.direction);
  const factor = (choices.scale ?? encoded.terms.scale ?? 1) / (encoded.terms.scale ?? 1);
  const shift = choices.location === undefined ? 0 : choices.location - (encoded.terms.location ?? 0);
  const rhoPrior = choices.rhoPrior ?? encoded.rhoPrior;
  return {
    levels: choices.levels ?? encoded.levels,
    rho: choices.rho ?? encoded.rho,
    rhoPrior: rhoPrior.length ? rhoPrior : undefined,
    tau: choices.tau ?? encoded.tau,
    mean: mean.map((value, i) => value + shift * direction[i]),
    covariance: covariance.map((value) => value * factor * factor),
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
 * The table of some of the effects; studies keep their numbers, groups without effects are gone.
 * @param {Table} table
 * @param {ArrayLike<boolean | number>} kept whether every effect is kept (k)
 * @returns {Table}
 */
export function subset(table, kept) {
  const rows = Int32Array.from(table.yi.keys()).filter((row) => Boolean(kept[row]));
  const p = table.terms;
  const x = zeros(rows.length * p);
  const numbers = new Map();
  const group = new Int32Array(rows.length);
  rows.forEach((row, at) => {
    x.set(table.x.subarray(row * p, (row + 1) * p), at * p);
    const old = table.group[row];
    if (!numbers.has(old)) numbers.set(old, numbers.size);
    group[at] = numbers.get(old);
  });
  return {
    ...table,
    yi: Float64Array.from(rows, (row) => table.yi[row]),
    vi: Float64Array.from(rows, (row) => table.vi[row]),
    x,
    group,
    study: Int32Array.from(numbers.keys(), (old) => table.study[old]),
  };
}

/**
 * The table with some effects, and with new studies after them.
 * @param {Table} table
 * @param {ArrayLike<boolean | number>} kept
 * @param {NewStudy[]} [added]
 * @returns {Table}
 */
export function chosenTable(table, kept, added = []) {
  const part = subset(table, kept);
  const groups = part.study.length;
  return {
    ...part,
    yi: Float64Array.from([...part.yi, ...added.map((row) => row.yi)]),
    vi: Float64Array.from([...part.vi, ...added.map((row) => row.vi)]),
    x: Float64Array.from([...part.x, ...added.flatMap((row) => row.x)]),
    group: Int32Array.from([...part.group, ...added.map((_, at) => groups + at)]),
    study: Int32Array.from([...part.study, ...added.map((_, at) => part.studies + at)]),
    studies: part.studies + added.length,
  };
}
