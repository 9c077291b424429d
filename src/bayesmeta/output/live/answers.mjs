// @ts-check
/** What the page asks of the engine; the same functions run in the page or in its worker. */
import { sqrt, zeros } from "./engine/numbers.mjs";
import { leaveOneStudyOut } from "./engine/deletion.mjs";
import { heterogeneity } from "./engine/heterogeneity.mjs";
import { above, densityAt, mixtureOf, momentsOfMixture, quantile } from "./engine/mixtures.mjs";
import { integrate } from "./engine/posterior.mjs";

/** @typedef {import("./engine/arrays.mjs").Table} Table */
/** @typedef {import("./engine/arrays.mjs").Model} Model */

/**
 * A table and a model, and combinations of terms (r, p) to follow besides the terms.
 * @typedef {object} Analysis
 * @property {Table} table
 * @property {Model} model
 * @property {Float64Array} combinations
 * @property {number} rope half-width of the region of practical equivalence
 */

/**
 * A conclusion: a combination by number is above 0, below 0, beyond the region of practical
 * equivalence on either side, or inside it.
 * @typedef {object} Conclusion
 * @property {number} at
 * @property {"positive" | "negative" | "above" | "below" | "inside"} kind
 */

/**
 * Summary of a term or a contrast.
 * @typedef {object} Row
 * @property {number} mean
 * @property {number} sd
 * @property {number[]} quantiles at .025, .5 and .975
 * @property {number} positive P(> 0)
 * @property {number} above P(> rope)
 * @property {number} below P(< -rope)
 * @property {number[]} [prediction] interval of a new study's true mean, of a term
 */

/** @typedef {{level: string, tau: {mean: number, sd: number, quantiles: number[]}, i2: {mean: number, sd: number, quantiles: number[]}}} Level */

/**
 * @typedef {object} Summary
 * @property {Row[]} rows terms, then combinations
 * @property {{typical: number, rows: Level[]}} heterogeneity
 * @property {number} logEvidence
 * @property {number} error
 * @property {boolean} converged
 */

export const SHARES = [0.025, 0.5, 0.975];
const COARSE = 1e-3; // posterior sds, of cells of a map: no digit that is shown changes
const FINE = 1e-4; // posterior sds, of the results without a study

/**
 * The thresholds of a conclusion, and P(conclusion) from P(> threshold) at each.
 * @param {Conclusion["kind"]} kind
 * @param {number} rope
 * @returns {{thresholds: number[], p: (above: ArrayLike<number>) => number}}
 */
export function eventOf(kind, rope) {
  const events = {
    positive: { thresholds: [0], p: (/** @type {ArrayLike<number>} */ x) => x[0] },
    negative: { thresholds: [0], p: (/** @type {ArrayLike<number>} */ x) => 1 - x[0] },
    above: { thresholds: [rope], p: (/** @type {ArrayLike<number>} */ x) => x[0] },
    below: { thresholds: [-rope], p: (/** @type {ArrayLike<number>} */ x) => 1 - x[0] },
    inside: { thresholds: [-rope, rope], p: (/** @type {ArrayLike<number>} */ x) => x[0] - x[1] },
  };
  return events[kind];
}

/**
 * P(conclusion) from a row of a summary.
 * @param {Row} row
 * @param {Conclusion["kind"]} kind
 */
export function probabilityOf(row, kind) {
  const { positive, above: over, below: under } = row;
  return { positive, negative: 1 - positive, above: over, below: under, inside: 1 - over - under }[kind];
}

/** @param {import("./engine/mixtures.mjs").Mixture} mixture */
const intervalOf = (mixture) => [SHARES[0], SHARES[2]].map((p) => quantile(mixture, p));

/**
 * @param {Analysis} analysis
 * @returns {Summary}
 */
function summary({ table, model, combinations, rope }) {
  const posterior = integrate(table, model, { combinations });
  const count = posterior.combinations.length / table.terms;
  const rows = Array.from({ length: count }, (_, at) => {
    const mixture = mixtureOf(posterior, at);
    return {
      ...momentsOfMixture(mixture),
      quantiles: SHARES.map((p) => quantile(mixture, p)),
      positive: above(mixture, 0),
      above: above(mixture, rope),
      below: 1 - above(mixture, -rope),
      prediction: at < table.terms ? intervalOf(mixtureOf(posterior, at, model.levels[0])) : undefined,
    };
  });
  return {
    rows,
    heterogeneity: heterogeneity(posterior, SHARES),
    logEvidence: posterior.logEvidence,
    error: posterior.error,
    converged: posterior.converged,
  };
}

/**
 * P(conclusion) without every study, by deletion at every node; NaN for a study without effects.
 * @param {Analysis & {conclusion: Conclusion}} asked
 * @returns {{p: number[], mean: number[], p0: number, mean0: number, sd0: number}}
 */
function deletion({ table, model, combinations, rope, conclusion }) {
  const { thresholds, p } = eventOf(conclusion.kind, rope);
  const weights = zeros(table.terms);
  if (conclusion.at < table.terms) weights[conclusion.at] = 1;
  else weights.set(combinations.subarray((conclusion.at - table.terms) * table.terms).subarray(0, table.terms));
  const posterior = integrate(table, model, { combinations: weights, tolerance: FINE });
  const events = thresholds.map((threshold) => ({ at: table.terms, threshold }));
  const deleted = leaveOneStudyOut(posterior, events);
  const width = deleted.mean.length / table.studies;
  const mixture = mixtureOf(posterior, table.terms);
  const moments = momentsOfMixture(mixture);
  const place = [...deleted.elpd.keys()];
  const counted = (/** @type {number} */ s, /** @type {number} */ value) => (Number.isNaN(deleted.elpd[s]) ? NaN : value);
  return {
    p: place.map((s) => counted(s, p(deleted.above.subarray(s * events.length, (s + 1) * events.length)))),
    mean: place.map((s) => counted(s, deleted.mean[s * width + table.terms])),
    p0: p(thresholds.map((threshold) => above(mixture, threshold))),
    mean0: moments.mean,
    sd0: moments.sd,
  };
}

/**
 * P(conclusion) in a cell of the map.
 * @param {Analysis & {conclusion: Conclusion}} asked
 * @returns {number}
 */
function cell({ table, model, combinations, rope, conclusion }) {
  const posterior = integrate(table, model, { combinations, tolerance: COARSE });
  const { thresholds, p } = eventOf(conclusion.kind, rope);
  const mixture = mixtureOf(posterior, conclusion.at);
  return p(thresholds.map((threshold) => above(mixture, threshold)));
}

/**
 * Prediction of the observed effect of a new study, with its row of the design and variance.
 * @param {Analysis & {x: number[], vi: number}} asked
 * @returns {{mean: number, sd: number, quantiles: number[], points: number[][]}}
 */
function prediction({ table, model, x, vi }) {
  const posterior = integrate(table, model, { combinations: Float64Array.from(x) });
  const effect = mixtureOf(posterior, table.terms, model.levels[model.levels.length - 1]);
  const observed = { ...effect, within: effect.within.map((sd) => sqrt(sd * sd + vi)) };
  const { mean, sd } = momentsOfMixture(observed);
  const points = Array.from({ length: 81 }, (_, i) => {
    const value = mean + ((i - 40) / 10) * sd;
    return [value, densityAt(observed, value)];
  });
  return { mean, sd, quantiles: [0.025, 0.25, 0.5, 0.75, 0.975].map((p) => quantile(observed, p)), points };
}

/** @type {Record<string, (request: any) => any>} */
const ANSWERS = { summary, deletion, cell, prediction };

/**
 * Answer a question of the page; what cannot be computed is stated in words.
 * @param {string} kind
 * @param {any} request
 * @returns {{value?: any, refused?: string}}
 */
export function answer(kind, request) {
  try {
    return { value: ANSWERS[kind](request) };
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  }
}
