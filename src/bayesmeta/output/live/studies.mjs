// @ts-check
/** The studies: a forest and tick boxes, by which they are left out. */
import { max, maximum, min, sqrt } from "./engine/numbers.mjs";
import { field, on, part, show, tick, widthOf } from "./controls.mjs";
import { textTable } from "./elements.mjs";
import { Z, forest } from "./forest.mjs";
import { funnelPart } from "./funnel.mjs";
import { keptEffects, tableAsSet } from "./state.mjs";
import { estimateText, numberText } from "./texts.mjs";

/** @typedef {import("./controls.mjs").Page} Page */

/**
 * A study: its number, number of effects, their precision-weighted mean, and the ranges of effects and errors.
 * @typedef {{s: number, label: string, count: number, mean: number, precision: number, yi: number[], se: number[]}} Study
 */

const MOST_ROWS = 400; // studies in a list; the others are found by their names
const alphabetical = new Intl.Collator("en", { numeric: true });
/** @type {Record<string, (a: Study, b: Study) => number>} */
const ORDERS_OF_STUDIES = {
  name: (a, b) => alphabetical.compare(a.label, b.label),
  effect: (a, b) => a.mean - b.mean,
  precision: (a, b) => b.precision - a.precision,
};

/** Return a range that contains a value. @type {(range: number[], value: number) => number[]} */
const widened = ([low, high], value) => [min(low, value), max(high, value)];

/**
 * Return the studies, with effects and variances as set.
 * @param {import("./state.mjs").Content} content
 * @param {import("./data.mjs").Table} table
 * @returns {Study[]}
 */
function studiesOf({ payload, table: { group, study: studyOf } }, { yi, vi }) {
  /** @type {Study[]} */
  const studies = payload.labels.map((/** @type {string} */ label, /** @type {number} */ s) =>
    ({ s, label, count: 0, mean: 0, precision: 0, yi: [Infinity, -Infinity], se: [Infinity, -Infinity] }));
  yi.forEach((effect, i) => {
    const study = studies[studyOf[group[i]]];
    study.count += 1;
    study.precision += 1 / vi[i];
    study.mean += (effect - study.mean) / vi[i] / study.precision;
    study.yi = widened(study.yi, effect);
    study.se = widened(study.se, sqrt(vi[i]));
  });
  return studies;
}

/**
 * Connect the tools of the studies; return the function that draws them.
 * @param {Page} page
 */
export function studiesPart(page) {
  const { content, state, change } = page;
  const { axis, hasNull } = content.payload.measure;
  let studies = studiesOf(content, content.table);
  const listed = () => {
    const sought = field("search").value.trim().toLowerCase();
    return studies.filter(({ label }) => label.toLowerCase().includes(sought)).sort(ORDERS_OF_STUDIES[field("order").value]);
  };
  const leaveOut = (/** @type {Iterable<number>} */ out) => change({ out: [...out].sort((a, b) => a - b) });
  const toggle = (/** @type {number} */ s) => {
    const out = new Set(state().out);
    if (!out.delete(s)) out.add(s);
    leaveOut(out);
  };
  const drawFunnel = funnelPart(page, toggle);
  let drawn = "";
  /** @type {Study[]} */
  let shown = [];
  const redraw = () => {
    studies = studiesOf(content, tableAsSet(content, state()));
    const largest = maximum(studies.map(({ precision }) => precision));
    const all = listed();
    shown = all.slice(0, MOST_ROWS);
    const rows = shown.map(({ s, label, mean, precision }) => {
      const half = Z / sqrt(precision);
      const [low, high] = [mean - half, mean + half];
      return {
        label, size: precision / largest, toggle: () => toggle(s),
        marks: [{ mean, low, high, source: "study" }], text: estimateText(mean, low, high),
      };
    });
    const range = (/** @type {number[]} */ ends) => ends.map((end) => numberText(end)).join(" to ");
    const cells = shown.map(({ s, label, mean, yi, se }) =>
      [tick(label, true, () => toggle(s), { "data-study": s }), "", numberText(mean), range(yi), range(se)]);
    const more = part("more-studies");
    more.hidden = all.length === shown.length;
    more.querySelectorAll("span").forEach((place, at) => { place.textContent = String([shown, all][at].length); });
    show("studies-table", textTable("Studies that count", ["study", "effects that count", "mean", "effects", "standard errors"], cells));
    show("studies-forest", forest(rows, { width: widthOf("studies"), label: "Studies with 95 % intervals", axis, zero: hasNull }));
  };
  // a change of settings leaves the pictures as they are: only what counts is shown again
  const draw = () => {
    const key = [field("search").value, field("order").value, widthOf("studies"), state().corrected].join("\n");
    const isNew = key !== drawn;
    if (isNew) redraw();
    drawn = key;
    const out = new Set(state().out);
    const counted = new Int32Array(studies.length);
    const { group, study } = content.table;
    const kept = keptEffects(content, state());
    kept.forEach((keeps, i) => { counted[study[group[i]]] += keeps; });
    const rows = document.querySelectorAll("#studies svg .row");
    const lines = document.querySelectorAll("#studies tbody tr");
    shown.forEach(({ s, count }, at) => {
      rows[at].classList.toggle("out", counted[s] === 0);
      /** @type {HTMLInputElement} */ (lines[at].querySelector("input")).checked = !out.has(s);
      lines[at].children[1].textContent = `${counted[s]} of ${count}`;
    });
    drawFunnel(shown.map(({ s }) => s), kept, isNew);
  };
  on("search", "input", draw);
  on("order", "change", draw);
  on("all-in", "click", () => leaveOut([]));
  on("without-listed", "click", () => leaveOut(new Set([...state().out, ...listed().map(({ s }) => s)])));
  on("only-listed", "click", () => {
    const chosen = new Set(listed());
    leaveOut(studies.filter((study) => !chosen.has(study)).map(({ s }) => s));
  });
  return draw;
}
