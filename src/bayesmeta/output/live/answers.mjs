// @ts-check
/** What the page asks of the engine; the same functions run in the page or in its worker. */
import { asFloats, isNaN, sqrt } from "./engine/numbers.mjs";
import { weightsOf } from "./data.mjs";
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
 * @property {number} error
 * @property {boolean} converged
 */

const SHARES = [0.025, 0.5, 0.975];
const COARSE = 1e-3; // posterior sds, of cells of a map: no digit that is shown changes
const FINE = 1e-4; // posterior sds, of the results without a study

/** @typedef {Pick<Row, "positive" | "above" | "below">} Sides */

/**
 * Return the thresholds at which probabilities are computed.
 * @param {number} rope
 */
const thresholdsOf = (rope) => [0, rope, -rope];

/**
 * Return the probabilities of a row from P(> threshold) at every threshold.
 * @type {(above: Iterable<number>) => Sides}
 */
const sidesOf = ([positive, over, notUnder]) => ({ positive, above: over, below: 1 - notUnder });

/**
 * Return the probabilities of a distribution.
 * @type {(mixture: import("./engine/mixtures.mjs").Mixture, rope: number) => Sides}
 */
const sidesOfMixture = (mixture, rope) => sidesOf(thresholdsOf(rope).map((threshold) => above(mixture, threshold)));

/**
 * Return P(conclusion).
 * @param {Sides} sides
 * @param {Conclusion["kind"]} kind
 */
export function probabilityOf({ positive, above: over, below }, kind) {
  return { positive, negative: 1 - positive, above: over, below, inside: 1 - over - below }[kind];
}

/**
 * Summarise the posterior.
 * @param {Analysis} analysis
 * @returns {Summary}
 */
function summary({ table, model, combinations, rope }) {
  const posterior = integrate(table, model, { combinations });
  const { levels } = posterior.arrays.model;
  const rows = Array.from({ length: posterior.combinations.length / table.terms }, (_, at) => {
    const mixture = mixtureOf(posterior, at);
    const ofNew = at < table.terms && mixtureOf(posterior, at, levels[0]);
    return {
      ...momentsOfMixture(mixture),
      ...sidesOfMixture(mixture, rope),
      quantiles: SHARES.map((p) => quantile(mixture, p)),
      prediction: ofNew ? [quantile(ofNew, SHARES[0]), quantile(ofNew, SHARES[2])] : undefined,
    };
  });
  const { error, converged } = posterior;
  return { rows, heterogeneity: heterogeneity(posterior, SHARES), error, converged };
}

/**
 * Compute P(conclusion) without every study, by deletion at every node; NaN for a study without effects.
 * @param {Analysis & {conclusion: Conclusion}} asked
 * @returns {{p: number[], mean: number[], p0: number, mean0: number, sd0: number}}
 */
function deletion({ table: { terms }, table, model, combinations, rope, conclusion: { at, kind } }) {
  const weights = weightsOf(terms, combinations, at);
  const posterior = integrate(table, model, { combinations: weights, tolerance: FINE });
  const events = thresholdsOf(rope).map((threshold) => ({ at: terms, threshold }));
  const deleted = leaveOneStudyOut(posterior, events);
  const width = deleted.mean.length / table.studies;
  const mixture = mixtureOf(posterior, terms);
  const { mean, sd } = momentsOfMixture(mixture);
  const counted = (/** @type {(s: number) => number} */ value) =>
    Array.from(deleted.elpd, (elpd, s) => (isNaN(elpd) ? NaN : value(s)));
  return {
    p: counted((s) => probabilityOf(sidesOf(deleted.above.subarray(s * events.length)), kind)),
    mean: counted((s) => deleted.mean[s * width + terms]),
    p0: probabilityOf(sidesOfMixture(mixture, rope), kind),
    mean0: mean,
    sd0: sd,
  };
}

/**
 * Compute P(conclusion) in a cell of the map.
 * @param {Analysis & {conclusion: Conclusion}} asked
 * @returns {number}
 */
function cell({ table, model, combinations, rope, conclusion }) {
  const posterior = integrate(table, model, { combinations, tolerance: COARSE });
  return probabilityOf(sidesOfMixture(mixtureOf(posterior, conclusion.at), rope), conclusion.kind);
}

/**
 * Predict the observed effect of a new study, with its row of the design and variance.
 * @param {Analysis & {x: number[], vi: number}} asked
 * @returns {{mean: number, sd: number, quantiles: number[], points: number[][]}}
 */
function prediction({ table, model, x, vi }) {
  const posterior = integrate(table, model, { combinations: asFloats(x) });
  const effect = mixtureOf(posterior, table.terms, posterior.arrays.model.levels.at(-1));
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
