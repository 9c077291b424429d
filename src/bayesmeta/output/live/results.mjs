// @ts-check
/** The answer, the means and the heterogeneity: as published, in the report, and as set. */
import { PI, abs, exp, expm1, max, min, sin, tanh } from "./engine/numbers.mjs";
import { probabilityOf } from "./answers.mjs";
import { folding, h, textTable } from "./elements.mjs";
import { forest } from "./forest.mjs";
import { LEVEL_NAMES, keptEffects } from "./state.mjs";
import { chanceText, estimateText, intervalText, numberText, probabilityText } from "./texts.mjs";
import { answerText, changeText, eventText, settingsText } from "./words.mjs";

/** @typedef {import("./answers.mjs").Row} Row */
/** @typedef {import("./answers.mjs").Level} Level */
/** @typedef {import("./forest.mjs").Mark} Mark */

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

/** @param {Row} row */
const estimateOf = ({ mean, quantiles }) => estimateText(mean, quantiles[0], quantiles[2]);

/**
 * The answer in words.
 * @param {Shown} shown
 */
export function answerParts({ content, state, now, before }) {
  const { names, payload, table } = content;
  const kept = keptEffects(content, state);
  const studies = new Set();
  kept.forEach((keeps, i) => { if (keeps) studies.add(table.study[table.group[i]]); });
  const added = state.added.length ? `, and ${state.added.length} that you added,` : "";
  const effects = kept.reduce((sum, keeps) => sum + keeps, 0);
  const counted = `${effects} of ${kept.length} effects and ${studies.size} of ${table.studies} studies${added} are counted.`;
  const settings = settingsText(state, content);
  return [
    ...answerText(now.rows, names, payload.measure.hasNull).map((sentence) => h("p", { class: "verdict-text" }, sentence)),
    h("p", {}, counted, " ", now !== before && changeText(now.rows, before.rows, names)),
    h("p", { class: "note" }, settings.length ? `As you set it: ${settings.join("; ")}.` : "These are the settings of this report."),
    ...(now.converged ? [] : [h("p", { class: "note" }, `The stated error of the quadrature is ${now.error.toPrecision(1)} posterior sds.`)]),
  ];
}

/**
 * The chosen conclusion as published, in the report, and as set.
 * @param {Shown} shown
 */
export function stripParts({ content, state, now, before }) {
  const { names, payload, report } = content;
  const { at, kind } = state.conclusion;
  const published = payload.published[at];
  const comparable = state.rope === report.rope || kind === "positive" || kind === "negative";
  const cells = [
    ["in this report", estimateOf(before.rows[at]), `P ${chanceText(comparable ? probabilityOf(before.rows[at], kind) : NaN)}`],
    ["as you set it", estimateOf(now.rows[at]), `P ${chanceText(probabilityOf(now.rows[at], kind))}`],
  ];
  if (published) cells.unshift(["as published", estimateText(published.estimate, published.ci_lb, published.ci_ub), "REML"]);
  return [
    h("p", {}, `${names[at]}; ${eventText(state.conclusion, names, state.rope)}:`),
    h("dl", { class: "strip" }, ...cells.map(([heading, value, p]) =>
      h("div", { class: heading.replaceAll(" ", "-") }, h("dt", {}, heading), h("dd", {}, value), h("dd", {}, p)))),
  ];
}

/**
 * Forests of means and of contrasts, and their table.
 * @param {Shown} shown
 * @param {number} width
 */
export function meansParts({ content, state, now, before }, width) {
  const { names, payload, table } = content;
  const { terms } = table;
  const mark = (/** @type {Row} */ { mean, quantiles, prediction }, /** @type {string} */ source) =>
    ({ mean, low: quantiles[0], high: quantiles[2], prediction, source });
  const rowsOf = (/** @type {number} */ from, /** @type {number} */ to) => names.slice(from, to).map((label, i) => {
    const at = from + i;
    const published = payload.published[at];
    /** @type {Mark[]} */
    const marks = [mark(before.rows[at], "report")];
    if (published) marks.unshift({ mean: published.estimate, low: published.ci_lb, high: published.ci_ub, source: "published" });
    if (now !== before) marks.push(mark(now.rows[at], "yours"));
    return { label, marks, text: estimateOf(now.rows[at]) };
  });
  const options = { width, axis: payload.measure.axis, zero: payload.measure.hasNull, rope: state.rope };
  const { name, back } = payload.measure.scale;
  const scaled = Object.hasOwn(BACK, back) ? [name] : [];
  const columns = ["mean or contrast", "mean", "sd", "95 % interval", "P(> 0)", `P(within ${numberText(state.rope)} of 0)`, "new study", ...scaled];
  const rows = names.map((label, at) => {
    const { mean, sd, quantiles, positive, above, below, prediction } = now.rows[at];
    return [
      label, numberText(mean, 3), numberText(sd, 3), intervalText(quantiles[0], quantiles[2]), probabilityText(positive),
      probabilityText(1 - above - below), prediction ? intervalText(prediction[0], prediction[1]) : "\u2013",
      ...scaled.map(() => scaledText(content, at, quantiles)),
    ];
  });
  const means = forest(rowsOf(0, terms), { ...options, label: "Means with 95 % intervals, and prediction intervals of new studies" });
  const contrasts = names.length === terms ? [] : [
    h("h3", {}, "Contrasts"),
    h("figure", {}, forest(rowsOf(terms, names.length), { ...options, label: "Contrasts with 95 % intervals" })),
  ];
  const twin = folding("The same as a table", textTable("Means and contrasts as you set it", columns, rows));
  return [h("figure", {}, means), ...contrasts, twin];
}

/**
 * The median and interval of a mean or of a difference of means on the scale of the measure.
 * @param {import("./state.mjs").Content} content
 * @param {number} at
 * @param {number[]} quantiles
 */
export function scaledText({ payload, table, combinations }, at, quantiles) {
  const { terms } = table;
  const weight = (/** @type {number} */ j) => (at < terms ? Number(j === at) : combinations[(at - terms) * terms + j]);
  const total = payload.means.reduce((/** @type {number} */ sum, /** @type {boolean} */ mean, /** @type {number} */ j) => sum + Number(mean) * weight(j), 0);
  const { scale, ofDifferences } = payload.measure;
  const is = (/** @type {number} */ value) => abs(total - value) < 1e-9;
  if (!is(1) && !(is(0) && ofDifferences)) return "\u2013";
  const [low, median, high] = quantiles.map(BACK[is(1) ? scale.back : "exp"]);
  return `${estimateText(median, low, high)}${is(1) ? "" : ` (${ofDifferences})`}`;
}

/**
 * The taus and I^2.
 * @param {Shown} shown
 * @param {number} width
 */
export function heterogeneityParts({ now, before }, width) {
  const find = (/** @type {Shown["now"]} */ of, /** @type {string} */ level) => of.heterogeneity.rows.find((row) => row.level === level);
  const mark = (/** @type {Level | undefined} */ row, /** @type {string} */ source) =>
    (row ? [{ mean: row.tau.mean, low: row.tau.quantiles[0], high: row.tau.quantiles[2], source }] : []);
  const levels = [...LEVEL_NAMES, "total"].filter((level) => find(now, level) ?? find(before, level));
  const rows = levels.map((level) => {
    const row = find(now, level);
    const marks = [...mark(find(before, level), "report"), ...(now === before ? [] : mark(row, "yours"))];
    return { label: `tau, ${level}`, marks, text: row && estimateText(row.tau.mean, row.tau.quantiles[0], row.tau.quantiles[2]) };
  });
  const columns = ["level", "tau", "95 % interval", "I\u00b2 (%)", "95 % interval"];
  const cells = now.heterogeneity.rows.map(({ level, tau, i2 }) => [
    level, numberText(tau.mean, 3), intervalText(tau.quantiles[0], tau.quantiles[2]),
    numberText(i2.mean, 1), intervalText(i2.quantiles[0], i2.quantiles[2], 1),
  ]);
  const picture = forest(rows, { width, label: "Standard deviations of true effects", axis: "tau", zero: false });
  return [h("figure", {}, picture), textTable("Heterogeneity as you set it", columns, cells)];
}
