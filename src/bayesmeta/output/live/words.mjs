// @ts-check
/** The sentences of the page. */
import { abs, max } from "./engine/numbers.mjs";
import { filterOf } from "./state.mjs";
import { chanceText, estimateText, numberText, shortText, summaryText } from "./texts.mjs";

/** @typedef {import("./answers.mjs").Row} Row */
/** @typedef {import("./answers.mjs").Conclusion} Conclusion */
/** @typedef {import("./state.mjs").Content} Content */
/** @typedef {import("./state.mjs").State} State */

const SETTLED = 0.975; // the least probability of a conclusion that counts as settled
const MOST_NAMED = 5; // studies in a sentence

/** Return on which side of zero the 95 % interval of a row lies. @param {Row} row */
function sideOf({ quantiles }) {
  if (quantiles[2] < 0) return "below zero";
  return quantiles[0] > 0 ? "above zero" : "open";
}

/** Return whether a probability settles a conclusion. @param {number} p */
export const isSettled = (p) => p >= SETTLED;

/**
 * Write a conclusion: `P(fear > 0)`.
 * @param {Conclusion} conclusion
 * @param {string[]} names
 * @param {number} rope
 */
export function eventText({ at, kind }, names, rope) {
  const width = shortText(rope);
  const event = { positive: "> 0", negative: "< 0", above: `> ${width}`, below: `< \u2212${width}`, inside: `within ${width} of 0` }[kind];
  return `P(${names[at]} ${event})`;
}

/**
 * Write the answer: which means and contrasts are on a side of zero.
 * @param {Row[]} rows
 * @param {string[]} names
 * @param {boolean} hasNull whether zero means no effect
 * @returns {string[]}
 */
export function answerText(rows, names, hasNull) {
  const listed = (/** @type {string} */ side) =>
    names.flatMap((name, at) => (!side || sideOf(rows[at]) === side ? [`${name} ${summaryText(rows[at])}`] : [])).join("; ");
  if (!hasNull) return [`The means with 95 % intervals are: ${listed("")}.`];
  const [below, above, open] = ["below zero", "above zero", "open"].map(listed);
  if (rows.length === 1) {
    const [row] = rows;
    const chance = chanceText(max(row.positive, 1 - row.positive));
    const start = `The mean (${names[0]}) is ${summaryText(row)} (95 % interval)`;
    const openly = `${start}, so its sign is open (P ${chance} for the more probable sign).`;
    return [open ? openly : `${start}, clearly ${sideOf(row)} (P ${chance}).`];
  }
  if (!below && !above) return [`No mean or contrast is settled: ${open}.`];
  const clear = [below && `Clearly below zero: ${below}.`, above && `Clearly above zero: ${above}.`].filter(Boolean);
  return [...clear, open ? `Open: ${open}.` : "None is open."];
}

/**
 * Write which verdicts on a sign differ from those of the report.
 * @param {Row[]} rows
 * @param {Row[]} before
 * @param {string[]} names
 */
export function changeText(rows, before, names) {
  const changed = names.flatMap((name, at) => {
    const [then, now] = [before[at], rows[at]].map(sideOf);
    return then === now ? [] : [`${name} (${then} in this report, now ${now})`];
  });
  return changed.length ? `The verdict on the sign changes for ${changed.join("; ")}.` : "No verdict on a sign differs from this report.";
}

/**
 * Write what a reader changed, a phrase for every setting.
 * @param {State} state
 * @param {Content} content
 * @returns {string[]}
 */
export function settingsText(state, { report, payload, moderators }) {
  const { out, added } = state;
  const phrases = [];
  const listed = (/** @type {number[]} */ values) => values.map(shortText).join(", ");
  if (out.length) {
    const names = out.slice(0, 3).map((at) => payload.labels[at]).join(", ");
    phrases.push(`${out.length === 1 ? "a study is" : `${out.length} studies are`} left out (${names}${out.length > 3 ? ", ..." : ""})`);
  }
  for (const { name, words, levels } of moderators) {
    const filter = filterOf(state, name);
    if (!filter) continue;
    const left = levels && filter.out?.length ? `without ${filter.out.map((at) => levels[at]).join(", ")}` : "";
    const range = levels ? left : `from ${shortText(filter.low ?? -Infinity)} to ${shortText(filter.high ?? Infinity)}`;
    const limits = [range, filter.blank ? "" : "without blanks"].filter(Boolean).join(", ");
    if (limits) phrases.push(`${words}: ${limits}`);
  }
  /** @type {[string, (of: State) => string][]} */
  const settings = [
    ["standard errors entered as standard deviations:", ({ corrected }) => (corrected ? "corrected" : "as in the table")],
    ["true effects vary by", ({ levels }) => levels.join(", ")],
    ["rho", ({ rho, rhoPrior }) => (rhoPrior.length ? `estimated, prior Beta(${listed(rhoPrior)})` : shortText(rho))],
    ["prior of the taus", ({ family, parameters }) => (parameters.length ? `${family}(${listed(parameters)})` : family)],
    ["prior mean of the means", ({ location }) => shortText(location)],
    [payload.model.terms.scale === null ? "prior sds of the terms times" : "prior sd of the terms", ({ scale }) => shortText(scale)],
    ["region of practical equivalence", ({ rope }) => shortText(rope)],
  ];
  for (const [what, write] of settings) {
    const [now, then] = [state, report].map(write);
    if (now !== then) phrases.push(`${what} ${now} in place of ${then}`);
  }
  if (added.length) phrases.push(`${added.length} added: ${added.map((row) => row.label).join(", ")}`);
  return phrases;
}

/**
 * Write the prediction, before its effect is known and after.
 * @param {{mean: number, sd: number, quantiles: number[]}} prediction
 * @param {number | undefined} observed
 */
export function predictionText({ mean, sd, quantiles: [low, , , , high] }, observed) {
  const start = `The next study of this size is expected to show ${estimateText(mean, low, high)} (95 % prediction interval)`;
  if (observed === undefined) return `${start}.`;
  const where = observed >= low && observed <= high ? "inside" : "outside";
  const distance = numberText(abs(observed - mean) / sd, 1);
  return `${start}; the observed effect ${numberText(observed)} is ${where} it, ${distance} predictive sds from its mean.`;
}

/**
 * Write which studies decide a conclusion, the largest changes first.
 * @param {string} event
 * @param {number} p0 its probability with all studies
 * @param {{label: string, p: number, shift: number}[]} ranked
 */
export function rankingText(event, p0, ranked) {
  const turned = ranked.filter(({ p }) => isSettled(p) !== isSettled(p0));
  const start = `${event} ${chanceText(p0)} with all.`;
  if (!turned.length) {
    const [{ label, p, shift }] = ranked;
    const change = `the largest change is without ${label} (P ${chanceText(p)}, the mean moves by ${numberText(shift)} posterior sds)`;
    return `${start} No single study ${isSettled(p0) ? "unsettles it" : "settles it when it is left out"}; ${change}.`;
  }
  const named = turned.slice(0, MOST_NAMED).map(({ label, p }) => `${label} (P ${chanceText(p)})`);
  if (turned.length > MOST_NAMED) named.push(`one of ${turned.length - MOST_NAMED} others`);
  return `${start} It is ${isSettled(p0) ? "no longer settled" : "settled"} without ${named.join(", or without ")}.`;
}
