// @ts-check
/** The sentences of the page. */
import { abs, max } from "./engine/numbers.mjs";
import { chanceText, estimateText, numberText } from "./texts.mjs";

/** @typedef {import("./answers.mjs").Row} Row */
/** @typedef {import("./answers.mjs").Conclusion} Conclusion */
/** @typedef {import("./state.mjs").Content} Content */
/** @typedef {import("./state.mjs").State} State */

/**
 * On which side of zero the 95 % interval of a row lies.
 * @param {Row} row
 * @returns {"below" | "above" | "open"}
 */
export function verdictOf({ quantiles }) {
  if (quantiles[2] < 0) return "below";
  return quantiles[0] > 0 ? "above" : "open";
}

/** @param {Row} row */
const estimate = ({ mean, quantiles }) => estimateText(mean, quantiles[0], quantiles[2]);

/**
 * A conclusion in words: `P(fear > 0)`.
 * @param {Conclusion} conclusion
 * @param {string[]} names
 * @param {number} rope
 */
export function eventText({ at, kind }, names, rope) {
  const width = String(Number(rope.toPrecision(4)));
  const event = {
    positive: `${names[at]} > 0`,
    negative: `${names[at]} < 0`,
    above: `${names[at]} > ${width}`,
    below: `${names[at]} < \u2212${width}`,
    inside: `${names[at]} within ${width} of 0`,
  }[kind];
  return `P(${event})`;
}

/**
 * The answer in sentences: which means and contrasts are on a side of zero.
 * @param {Row[]} rows
 * @param {string[]} names
 * @param {boolean} hasNull whether zero means no effect
 * @returns {string[]}
 */
export function answerText(rows, names, hasNull) {
  const of = (/** @type {string} */ verdict) =>
    names.flatMap((name, at) => (verdictOf(rows[at]) === verdict ? [`${name} ${estimate(rows[at])}`] : [])).join("; ");
  if (!hasNull) return [`The means with 95 % intervals are: ${names.map((name, at) => `${name} ${estimate(rows[at])}`).join("; ")}.`];
  if (rows.length === 1) {
    const [row] = rows;
    const verdict = verdictOf(row);
    const p = max(row.positive, 1 - row.positive);
    const start = `The mean (${names[0]}) is ${estimate(row)} (95 % interval)`;
    if (verdict === "open") return [`${start}, so its sign is open (P ${chanceText(p)} for the more probable sign).`];
    return [`${start}, clearly ${verdict} zero (P ${chanceText(p)}).`];
  }
  const [below, above, open] = ["below", "above", "open"].map(of);
  if (!below && !above) return [`No mean or contrast is settled: ${open}.`];
  return [below && `Clearly below zero: ${below}.`, above && `Clearly above zero: ${above}.`, open ? `Open: ${open}.` : "None is open."].filter(Boolean);
}

const SIDES = { below: "below zero", above: "above zero", open: "open" };

/**
 * Which verdicts differ from those of the report.
 * @param {Row[]} rows
 * @param {Row[]} before
 * @param {string[]} names
 */
export function changeText(rows, before, names) {
  const changed = names.flatMap((name, at) => {
    const [old, now] = [before[at], rows[at]].map(verdictOf);
    return old === now ? [] : [`${name} (${SIDES[old]} in this report, now ${SIDES[now]})`];
  });
  return changed.length ? `The verdict on the sign changes for ${changed.join("; ")}.` : "No verdict on a sign differs from this report.";
}

/**
 * What a reader changed, a phrase for every setting.
 * @param {State} state
 * @param {Content} content
 * @returns {string[]}
 */
export function settingsText(state, { report, payload, moderators }) {
  const phrases = [];
  const differs = (/** @type {keyof State} */ key) => JSON.stringify(state[key]) !== JSON.stringify(report[key]);
  const number = (/** @type {number} */ value) => String(Number(value.toPrecision(4))).replace("-", "\u2212");
  const prior = (/** @type {State} */ of) => (of.parameters.length ? `${of.family}(${of.parameters.map(number).join(", ")})` : of.family);
  const rho = (/** @type {State} */ of) => (of.rhoPrior.length ? `estimated, prior Beta(${of.rhoPrior.map(number).join(", ")})` : number(of.rho));
  if (state.out.length) {
    const names = state.out.slice(0, 3).map((at) => payload.labels[at]).join(", ");
    phrases.push(`${state.out.length === 1 ? "a study is" : `${state.out.length} studies are`} left out (${names}${state.out.length > 3 ? ", ..." : ""})`);
  }
  for (const [name, filter] of Object.entries(state.filters)) {
    const moderator = moderators.find((of) => of.name === name);
    if (!moderator) continue;
    const levels = moderator.levels;
    const left = levels && filter.out?.length ? `without ${filter.out.map((at) => levels[at]).join(", ")}` : "";
    const range = levels ? left : `from ${number(filter.low ?? -Infinity)} to ${number(filter.high ?? Infinity)}`;
    const limits = [range, filter.blank ? "" : "without blanks"].filter(Boolean).join(", ");
    if (limits) phrases.push(`${moderator.words}: ${limits}`);
  }
  if (differs("levels")) phrases.push(`true effects vary by ${state.levels.join(", ")} in place of ${report.levels.join(", ")}`);
  if (rho(state) !== rho(report)) phrases.push(`rho ${rho(state)} in place of ${rho(report)}`);
  if (differs("family") || differs("parameters")) phrases.push(`prior of the taus ${prior(state)} in place of ${prior(report)}`);
  if (differs("location")) phrases.push(`prior mean of the means ${number(state.location)} in place of ${number(report.location)}`);
  if (differs("scale")) {
    const what = payload.model.terms.scale === null ? "prior sds of the terms times" : "prior sd of the terms";
    phrases.push(`${what} ${number(state.scale)} in place of ${number(report.scale)}`);
  }
  if (differs("rope")) phrases.push(`region of practical equivalence ${number(state.rope)} in place of ${number(report.rope)}`);
  if (state.added.length) phrases.push(`${state.added.length} added: ${state.added.map((row) => row.label).join(", ")}`);
  return phrases;
}

/**
 * The sentence of a prediction, before its effect is known and after.
 * @param {{mean: number, sd: number, quantiles: number[]}} prediction
 * @param {number | undefined} observed
 */
export function predictionText({ mean, sd, quantiles }, observed) {
  const start = `The next study of this size is expected to show ${estimateText(mean, quantiles[0], quantiles[4])} (95 % prediction interval)`;
  if (observed === undefined) return `${start}.`;
  const inside = observed >= quantiles[0] && observed <= quantiles[4];
  const distance = numberText(abs(observed - mean) / sd, 1);
  return `${start}; the observed effect ${numberText(observed)} is ${inside ? "inside" : "outside"} it, ${distance} predictive sds from its mean.`;
}

const MOST_NAMED = 5;

/**
 * Which studies decide a conclusion, the largest changes first.
 * @param {string} event
 * @param {number} p0 its probability with all studies
 * @param {{label: string, p: number, shift: number}[]} ranked
 */
export function rankingText(event, p0, ranked) {
  const settled = (/** @type {number} */ p) => p >= 0.975;
  const turned = ranked.filter((row) => settled(row.p) !== settled(p0));
  const start = `${event} ${chanceText(p0)} with all.`;
  if (!turned.length) {
    const [first] = ranked;
    const change = `the largest change is without ${first.label} (P ${chanceText(first.p)}, the mean moves by ${numberText(first.shift)} posterior sds)`;
    return `${start} No single study ${settled(p0) ? "unsettles it" : "settles it when it is left out"}; ${change}.`;
  }
  const named = turned.slice(0, MOST_NAMED).map((row) => `${row.label} (P ${chanceText(row.p)})`);
  if (turned.length > MOST_NAMED) named.push(`one of ${turned.length - MOST_NAMED} others`);
  return `${start} It is ${settled(p0) ? "no longer settled" : "settled"} without ${named.join(", or without ")}.`;
}
