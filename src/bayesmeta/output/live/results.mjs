// @ts-check
/** The answer, the means and the heterogeneity: as published, in the report, and as set. */
import { PI, abs, exp, expm1, max, min, sin, sumOf, tanh } from "./engine/numbers.mjs";
import { probabilityOf } from "./answers.mjs";
import { show } from "./controls.mjs";
import { weightsOf } from "./data.mjs";
import { h, textTable } from "./elements.mjs";
import { LEVELS } from "./engine/arrays.mjs";
import { forest, markOf } from "./forest.mjs";
import { keptEffects } from "./state.mjs";
import { NONE, chanceText, estimateText, intervalText, numberText, probabilityText, summaryText } from "./texts.mjs";
import { answerText, changeText, eventText, settingsText } from "./words.mjs";

/** @typedef {import("./answers.mjs").Row} Row */

/**
 * What is shown: the summary as set and that of the report, which are the same before a change.
 * @typedef {object} Shown
 * @property {import("./state.mjs").Content} content
 * @property {import("./state.mjs").State} state
 * @property {import("./answers.mjs").Summary} now
 * @property {import("./answers.mjs").Summary} before
 */

/**
 * Transformations back to the scale of a measure, by their names in `data.effect_sizes.scales`.
 * @type {Record<string, (x: number) => number>}
 */
const BACK = {
  exp: exp,
  tanh: tanh,
  plogis: (x) => 1 / (1 + exp(-x)),
  square: (x) => max(x, 0) ** 2,
  "100 y": (x) => 100 * x,
  "sin^2": (x) => sin(min(max(x, 0), PI / 2)) ** 2,
  "tanh^2": (x) => tanh(max(x, 0)) ** 2,
  "1 - (1 - y)^3": (x) => 1 - (1 - x) ** 3,
  "1 - exp(-y)": (x) => -expm1(-x),
};

/**
 * Write the answer.
 * @param {Shown} shown
 */
export function answerParts({ content, state, now, before }) {
  const { names, payload, table } = content;
  const kept = keptEffects(content, state);
  const studies = new Set();
  kept.forEach((keeps, i) => { if (keeps) studies.add(table.study[table.group[i]]); });
  const added = state.added.length ? `, and ${state.added.length} that you added,` : "";
  const counted = `${sumOf(kept)} of ${kept.length} effects and ${studies.size} of ${table.studies} studies${added} are counted.`;
  const settings = settingsText(state, content);
  const note = (/** @type {string} */ words) => h("p", { class: "note" }, words);
  return [
    ...answerText(now.rows, names, payload.measure.hasNull).map((sentence) => h("p", { class: "verdict-text" }, sentence)),
    h("p", {}, now === before ? counted : `${counted} ${changeText(now.rows, before.rows, names)}`),
    note(settings.length ? `As you set it: ${settings.join("; ")}.` : "These are the settings of this report."),
    ...(now.converged ? [] : [note(`The stated error of the quadrature is ${now.error.toPrecision(1)} posterior sds.`)]),
  ];
}

/**
 * Write the chosen conclusion as published, in the report, and as set.
 * @param {Shown} shown
 */
export function stripParts({ content, state, now, before }) {
  const { names, payload, report } = content;
  const { at, kind } = state.conclusion;
  const published = payload.published[at];
  const comparable = state.rope === report.rope || kind === "positive" || kind === "negative";
  const chance = (/** @type {Row} */ row) => `P ${chanceText(probabilityOf(row, kind))}`;
  const cells = [
    ["in this report", summaryText(before.rows[at]), comparable ? chance(before.rows[at]) : `P ${NONE}`],
    ["as you set it", summaryText(now.rows[at]), chance(now.rows[at])],
  ];
  if (published) cells.unshift(["as published", estimateText(published.estimate, published.ci_lb, published.ci_ub), "REML"]);
  return [
    h("p", {}, `${names[at]}; ${eventText(state.conclusion, names, state.rope)}:`),
    h("dl", { class: "strip" }, ...cells.map(([heading, value, p]) =>
      h("div", { class: heading.replaceAll(" ", "-") }, h("dt", {}, heading), h("dd", {}, value), h("dd", {}, p)))),
  ];
}

/**
 * Draw forests of means and of contrasts, and their table.
 * @param {Shown} shown
 * @param {number} width
 */
export function showMeans({ content, state, now, before }, width) {
  const { names, payload, table: { terms } } = content;
  const { axis, hasNull, scale } = payload.measure;
  const draw = (/** @type {string} */ id, /** @type {number} */ from, /** @type {number} */ to, /** @type {string} */ label) => {
    const rows = names.slice(from, to).map((name, i) => {
      const published = payload.published[from + i];
      const [then, row] = [before.rows[from + i], now.rows[from + i]];
      const marks = published ? [{ mean: published.estimate, low: published.ci_lb, high: published.ci_ub, source: "published" }] : [];
      return { label: name, marks: [...marks, ...marksOf(then, row)], text: summaryText(row) };
    });
    show(id, forest(rows, { width, axis, zero: hasNull, rope: state.rope, label }));
  };
  draw("means-forest", 0, terms, "Means with 95 % intervals, and prediction intervals of new studies");
  if (names.length > terms) draw("contrasts-forest", terms, names.length, "Contrasts with 95 % intervals");
  const scaled = Object.hasOwn(BACK, scale.back) ? [scale.name] : [];
  const inside = `P(within ${numberText(state.rope)} of 0)`;
  const columns = ["mean or contrast", "mean", "sd", "95 % interval", "P(> 0)", inside, "new study", ...scaled];
  const cells = now.rows.map((row, at) => {
    const { mean, sd, quantiles: [low, , high], positive, prediction } = row;
    return [
      names[at], numberText(mean, 3), numberText(sd, 3), intervalText(low, high), probabilityText(positive),
      probabilityText(probabilityOf(row, "inside")), prediction ? intervalText(prediction[0], prediction[1]) : NONE,
      ...scaled.map(() => scaledText(content, at, row.quantiles)),
    ];
  });
  show("means-table", textTable("Means and contrasts as you set it", columns, cells));
}

/**
 * Return the marks of a summary in the report, and as set where a reader has changed something.
 * @template {{mean: number, quantiles: number[]}} T
 * @param {T | undefined} then
 * @param {T | undefined} now
 */
const marksOf = (then, now) => [...(then ? [markOf(then, "report")] : []), ...(now && now !== then ? [markOf(now, "yours")] : [])];

/**
 * Write the median and interval of a mean or of a difference of means on the scale of the measure.
 * @param {import("./state.mjs").Content} content
 * @param {number} at
 * @param {number[]} quantiles
 */
export function scaledText({ payload, table, combinations }, at, quantiles) {
  const { terms } = table;
  const total = sumOf(weightsOf(terms, combinations, at).map((weight, j) => (payload.means[j] ? weight : 0)));
  const { scale, ofDifferences } = payload.measure;
  const is = (/** @type {number} */ value) => abs(total - value) < 1e-9;
  if (!is(1) && !(is(0) && ofDifferences)) return NONE;
  const [low, median, high] = quantiles.map(BACK[is(1) ? scale.back : "exp"]);
  return `${estimateText(median, low, high)}${is(1) ? "" : ` (${ofDifferences})`}`;
}

/**
 * Draw the taus, and write them with I^2 in a table.
 * @param {Shown} shown
 * @param {number} width
 */
export function showHeterogeneity({ now, before }, width) {
  const rows = [...LEVELS, "total"].flatMap((level) => {
    const [then, tau] = [before, now].map(({ heterogeneity }) => heterogeneity.rows.find((row) => row.level === level)?.tau);
    return then || tau ? [{ label: `tau, ${level}`, marks: marksOf(then, tau), text: tau && summaryText(tau) }] : [];
  });
  show("taus-forest", forest(rows, { width, label: "Standard deviations of true effects", axis: "tau", zero: false }));
  const cells = now.heterogeneity.rows.map(({ level, tau, i2 }) => [
    level, numberText(tau.mean, 3), intervalText(tau.quantiles[0], tau.quantiles[2]),
    numberText(i2.mean, 1), intervalText(i2.quantiles[0], i2.quantiles[2], 1),
  ]);
  show("taus-table", textTable("Heterogeneity as you set it", ["level", "tau", "95 % interval", "I\u00b2 (%)", "95 % interval"], cells));
}
