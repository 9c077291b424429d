// @ts-check
/** What a reader has changed: as plain values, in a link, and as a table and a model. */
import { isFinite, isNaN } from "./engine/numbers.mjs";
import { LEVELS } from "./engine/arrays.mjs";
import { fits } from "./engine/families.mjs";
import { chosenTable, floatsOf, integersOf, modelOf, tableOf, tableWith } from "./data.mjs";

/** @typedef {import("./answers.mjs").Conclusion} Conclusion */
/** @typedef {import("./data.mjs").NewStudy} NewStudy */

/**
 * A filter by a moderator: levels that are left out, or a range; and whether blank cells count.
 * @typedef {{out?: number[], low?: number, high?: number, blank: boolean}} Filter
 */

/**
 * The settings of the page. Numbers of studies count from 0.
 * @typedef {object} State
 * @property {number[]} out studies that are left out
 * @property {boolean} corrected whether standard errors that were entered as standard deviations are corrected
 * @property {Record<string, Filter>} filters by name of the moderator
 * @property {string[]} levels
 * @property {number} rho
 * @property {number[]} rhoPrior a and b of its Beta prior; empty if rho is fixed
 * @property {string} family of the prior of the taus, or `AS_REPORTED`
 * @property {number[]} parameters
 * @property {number} location prior mean of the means
 * @property {number} scale prior sd of the terms; a factor where the prior has parts
 * @property {number} rope
 * @property {NewStudy[]} added
 * @property {Conclusion} conclusion
 */

/**
 * A moderator of the table: names of levels and a code for every effect (-1 is blank), or numbers.
 * @typedef {{name: string, words: string, levels?: string[], codes?: Int32Array, values?: Float64Array}} Moderator
 */

export const AS_REPORTED = "as in the report"; // a prior by level, or of the total tau
const KINDS = ["positive", "negative", "above", "below", "inside"];
const MOST_ADDED = 200;
const LONGEST = 200; // of a label

/**
 * Return the data of the page and the settings of the report.
 * @param {any} payload
 */
export function contentOf(payload) {
  const table = tableOf(payload.table);
  const combinations = floatsOf(payload.combinations);
  /** @type {Moderator[]} */
  const moderators = payload.moderators.map((/** @type {any} */ moderator) => ({
    ...moderator,
    codes: moderator.codes && integersOf(moderator.codes),
    values: moderator.values && floatsOf(moderator.values),
  }));
  const names = /** @type {string[]} */ (payload.names);
  const first = names.length > table.terms ? table.terms : 0;
  const { tau } = payload.model;
  const isEqual = !tau.byLevel && !tau.allocation; // for all levels
  /** @type {State} */
  const report = {
    out: [],
    corrected: false,
    filters: {},
    levels: payload.model.levels,
    rho: payload.model.rho,
    rhoPrior: payload.model.rhoPrior,
    family: isEqual ? tau.family : AS_REPORTED,
    parameters: isEqual ? tau.parameters : [],
    location: payload.model.terms.location ?? 0,
    scale: payload.model.terms.scale ?? 1,
    rope: payload.model.rope,
    added: [],
    conclusion: { at: first, kind: payload.reference.mean[first] >= 0 ? "positive" : "negative" },
  };
  const corrected = payload.sems && tableWith(table, payload.sems);
  return { payload, table, corrected, combinations, moderators, names, report };
}

/** @typedef {ReturnType<typeof contentOf>} Content */

/**
 * Return the filter by a moderator, if there is one; the name can also be that of a property of all objects.
 * @param {State} state
 * @param {string} name
 * @returns {Filter | undefined}
 */
export const filterOf = ({ filters }, name) => (Object.hasOwn(filters, name) ? filters[name] : undefined);

/**
 * Return whether every effect counts, by its study and the filters (k).
 * @param {Content} content
 * @param {State} state
 * @returns {Uint8Array}
 */
export function keptEffects({ table, moderators }, state) {
  const out = new Set(state.out);
  const kept = Uint8Array.from(table.group, (group) => (out.has(table.study[group]) ? 0 : 1));
  for (const moderator of moderators) {
    const filter = filterOf(state, moderator.name);
    if (!filter) continue;
    const { codes, values } = moderator;
    const left = new Set(filter.out);
    for (let i = 0; i < kept.length; i++) {
      const blank = codes ? codes[i] < 0 : isNaN(values?.[i] ?? NaN);
      const value = values?.[i] ?? 0;
      const inside = codes ? !left.has(codes[i]) : value >= (filter.low ?? -Infinity) && value <= (filter.high ?? Infinity);
      if (blank ? !filter.blank : !inside) kept[i] = 0;
    }
  }
  return kept;
}

/** Return the table of the report, or with the corrections. @type {(content: Content, state: State) => import("./data.mjs").Table} */
export const tableAsSet = ({ table, corrected }, state) => (state.corrected ? corrected : table);

/**
 * Return the analysis that the settings ask for.
 * @param {Content} content
 * @param {State} state
 * @returns {import("./answers.mjs").Analysis}
 */
export function analysisOf(content, state) {
  return {
    table: chosenTable(tableAsSet(content, state), keptEffects(content, state), state.added),
    model: modelOf(content.payload.model, { ...state, tau: state.family === AS_REPORTED ? content.payload.model.tau : state }),
    combinations: content.combinations,
    rope: state.rope,
  };
}

/** Return whether two plain values are equal. @param {unknown} first @param {unknown} second */
export const equal = (first, second) => JSON.stringify(first) === JSON.stringify(second);

/**
 * Return the settings that differ from those of the report.
 * @param {State} state
 * @param {State} report
 * @returns {Partial<State>}
 */
function changesOf(state, report) {
  return Object.fromEntries(Object.entries(state).filter(([key, value]) => !equal(value, report[/** @type {keyof State} */ (key)])));
}

/**
 * Return the fragment of a link that carries the settings.
 * @param {State} state
 * @param {State} report
 */
export function fragmentOf(state, report) {
  const changes = changesOf(state, report);
  return Object.keys(changes).length ? `#set=${encodeURIComponent(JSON.stringify(changes))}` : "";
}

/**
 * Return the settings of a fragment; whatever is not a possible setting is that of the report.
 * @param {string} fragment
 * @param {Content} content
 * @returns {State}
 */
export function stateOf(fragment, { table, corrected, moderators, names, report }) {
  let given;
  try {
    given = JSON.parse(decodeURIComponent(fragment.replace(/^#set=/, "")));
  } catch {
    return report;
  }
  const isObject = (/** @type {any} */ value) => typeof value === "object" && value !== null;
  if (!isObject(given)) return report;
  const number = (/** @type {any} */ value, /** @type {number} */ low, /** @type {number} */ high, /** @type {number} */ otherwise) =>
    (typeof value === "number" && value >= low && value <= high ? value : otherwise);
  const places = (/** @type {any} */ values, /** @type {number} */ count) =>
    (Array.isArray(values) ? [...new Set(values.filter((at) => Number.isInteger(at) && at >= 0 && at < count))] : []);
  /** @type {Record<string, Filter>} */
  const filters = {};
  for (const { name, levels } of moderators) {
    const filter = Object.hasOwn(given.filters ?? {}, name) ? given.filters[name] : undefined;
    if (!isObject(filter)) continue;
    const blank = filter.blank !== false;
    if (levels) filters[name] = { out: places(filter.out, levels.length), blank };
    else filters[name] = { low: number(filter.low, -1e300, 1e300, -1e300), high: number(filter.high, -1e300, 1e300, 1e300), blank };
  }
  const levels = LEVELS.filter((level) => Array.isArray(given.levels) && given.levels.includes(level));
  const family = given.family ?? report.family;
  const hasPrior = fits(family, given.parameters);
  const rhoPrior = given.rhoPrior ?? report.rhoPrior;
  const ofRho = Array.isArray(rhoPrior) && [0, 2].includes(rhoPrior.length) && rhoPrior.every((x) => number(x, 0.01, 1000, NaN) === x);
  const added = (Array.isArray(given.added) ? given.added : []).filter((/** @type {any} */ row) =>
    isObject(row) && typeof row.label === "string" && row.label.length <= LONGEST
    && isFinite(row.yi) && isFinite(row.vi) && row.vi > 0
    && Array.isArray(row.x) && row.x.length === table.terms && row.x.every(isFinite)).slice(0, MOST_ADDED);
  const kind = KINDS.includes(given.conclusion?.kind) ? given.conclusion.kind : report.conclusion.kind;
  return {
    out: places(given.out, table.studies),
    corrected: given.corrected === true && !!corrected,
    filters,
    levels: levels.length ? levels : report.levels,
    rho: number(given.rho, 0, 0.99, report.rho),
    rhoPrior: ofRho ? rhoPrior : report.rhoPrior,
    family: hasPrior ? family : report.family,
    parameters: hasPrior ? given.parameters : report.parameters,
    location: number(given.location, -1e12, 1e12, report.location),
    scale: number(given.scale, 1e-12, 1e12, report.scale),
    rope: number(given.rope, 0, 1e12, report.rope),
    added: added.map((/** @type {NewStudy} */ { label, yi, vi, x }) => ({ label, yi, vi, x })),
    conclusion: { at: number(given.conclusion?.at, 0, names.length - 1, report.conclusion.at) | 0, kind },
  };
}
