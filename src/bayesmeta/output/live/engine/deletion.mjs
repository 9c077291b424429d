// @ts-check
/** The posterior without every study. */
import { abs, asFloats, exp, floor, log, logSumExp, max, min, sqrt, zeros } from "./numbers.mjs";
import { ORDERS, SPARE, momentsOf } from "./grid.mjs";
import { above, mixtureOf } from "./mixtures.mjs";
import { atRho, integrate } from "./posterior.mjs";
import { follow } from "./ranges.mjs";
import { place } from "./rules.mjs";
import { deleteEach } from "./without.mjs";

/** @typedef {import("./posterior.mjs").Posterior} Posterior */
/** @typedef {import("./posterior.mjs").Part} Part */

/**
 * The posterior without every study.
 * @typedef {object} Deleted
 * @property {Float64Array} elpd log p(y_s | y_-s) (studies), NaN for a study that does not count
 * @property {Float64Array} mean of every combination and tau (studies, r + levels)
 * @property {Float64Array} sd of the same
 * @property {Float64Array} above probability of every event (studies, events)
 * @property {Float64Array} error (studies)
 * @property {number[]} separate studies that had a separate grid
 */

/**
 * A combination is above a threshold.
 * @typedef {object} Event
 * @property {number} at number of the combination
 * @property {number} threshold
 */

const WIDER = 8; // log density beyond the ranges of the full posterior

/**
 * Leave out every study, on a shared grid: at every node a study's cross-products are subtracted.
 * @param {Posterior} posterior
 * @param {Event[]} [events]
 * @returns {Deleted}
 */
export function leaveOneStudyOut(posterior, events = []) {
  const { arrays, combinations, tolerance } = posterior;
  const { table, model, included, effects } = arrays;
  const counted = (/** @type {number} */ s) => included[s] && effects[s];
  const all = averaged(posterior.parts, posterior.parts.map((part) => onSharedGrid(posterior, part, events)));
  const width = all.mean.length / table.studies;
  const separate = [...all.error.keys()].filter((s) => counted(s) && !(all.error[s] <= tolerance));
  const others = combinations.subarray(table.terms ** 2);
  const skipped = [...included.keys()].filter((s) => !included[s]);
  for (const s of separate) {
    if (arrays.count === effects[s]) continue;
    const alone = integrate(table, model, { combinations: others, without: [...skipped, s], tolerance });
    momentsOf(alone, combinations.length / table.terms).forEach(({ mean, sd }, at) => {
      all.mean[s * width + at] = mean;
      all.sd[s * width + at] = sd;
    });
    all.logEvidence[s] = alone.logEvidence;
    events.forEach(({ at, threshold }, e) => { all.above[s * events.length + e] = above(mixtureOf(alone, at), threshold); });
    all.error[s] = alone.error;
  }
  const elpd = all.logEvidence.map((value, s) => (counted(s) ? posterior.logEvidence - value : NaN));
  return { elpd, mean: all.mean, sd: all.sd, above: all.above, error: all.error, separate };
}

/** @typedef {Pick<Deleted, "mean" | "sd" | "above" | "error"> & {logEvidence: Float64Array}} OfPart */

/**
 * Delete every study on two rules, whose difference is the error.
 * @type {(posterior: Posterior, part: Part, events: Event[]) => OfPart}
 */
function onSharedGrid({ arrays, combinations, tolerance }, { rho, grid }, events) {
  const { rule } = grid;
  const ranges = follow(rule, grid.logDensity, WIDER + SPARE - log(tolerance));
  const finer = min(...[...ORDERS, 2 * rule.order].filter((order) => order > rule.order));
  const [coarse, fine] = [rule.order, finer].map((order) =>
    deleteEach(atRho(arrays, rho), place(order, rule.axes.length, ranges), combinations, events));
  const width = fine.mean.length / arrays.table.studies;
  const error = asFloats(fine.edge, (edge, s) => {
    let largest = max(edge, abs(coarse.logEvidence[s] - fine.logEvidence[s]));
    for (let at = s * width; at < (s + 1) * width; at++) {
      const shifts = [coarse.mean[at] - fine.mean[at], coarse.sd[at] - fine.sd[at]];
      largest = max(largest, ...shifts.map((shift) => abs(shift) / fine.sd[at]));
    }
    return largest;
  });
  return { ...fine, error };
}

/**
 * Average over the values of rho, by prior weight and the evidence without the study.
 * @type {(parts: Part[], deleted: OfPart[]) => OfPart}
 */
function averaged(parts, deleted) {
  const [first] = deleted;
  if (deleted.length === 1) return first;
  const studies = first.error.length;
  const logEvidence = zeros(studies);
  const shares = deleted.map(() => zeros(studies));
  for (let s = 0; s < studies; s++) {
    const logMass = deleted.map((of, at) => of.logEvidence[s] + log(parts[at].weight));
    logEvidence[s] = logSumExp(logMass);
    logMass.forEach((value, at) => { shares[at][s] = exp(value - logEvidence[s]); });
  }
  const average = (/** @type {(of: OfPart, at: number) => number} */ value, /** @type {number} */ size) =>
    asFloats({ length: size }, (_, at) => deleted.reduce(
      (sum, of, part) => sum + shares[part][floor((at * studies) / size)] * value(of, at), 0));
  const mean = average((of, at) => of.mean[at], first.mean.length);
  const variance = average((of, at) => of.sd[at] ** 2 + (of.mean[at] - mean[at]) ** 2, mean.length);
  return {
    mean, sd: variance.map(sqrt), logEvidence,
    above: average((of, at) => of.above[at], first.above.length),
    error: first.error.map((_, s) => max(...deleted.map((of) => of.error[s]))),
  };
}
