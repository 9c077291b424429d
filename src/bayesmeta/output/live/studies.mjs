// @ts-check
/** The studies: a forest and tick boxes, by which they are left out. */
import { max, sqrt, zeros } from "./engine/numbers.mjs";
import { button, show, tick, widthOf } from "./controls.mjs";
import { folding, h, textTable } from "./elements.mjs";
import { forest } from "./forest.mjs";
import { keptEffects } from "./state.mjs";
import { estimateText, numberText } from "./texts.mjs";

/** @typedef {import("./controls.mjs").Page} Page */

/**
 * A study: its number, number of effects, and precision-weighted mean with half the 95 % interval.
 * @typedef {{s: number, label: string, count: number, mean: number, precision: number, half: number}} Study
 */

const MOST_ROWS = 400; // studies in a list; the others are found by their names
const Z = 1.959963984540054; // 97.5 % point of the standard normal distribution
const alphabetical = new Intl.Collator("en", { numeric: true });
/** @type {Record<string, (a: Study, b: Study) => number>} */
const ORDERS_OF_STUDIES = {
  name: (a, b) => alphabetical.compare(a.label, b.label),
  effect: (a, b) => a.mean - b.mean,
  precision: (a, b) => b.precision - a.precision,
};

/**
 * The studies of the table.
 * @param {import("./state.mjs").Content} content
 * @returns {Study[]}
 */
function studiesOf({ payload, table }) {
  const count = new Int32Array(table.studies);
  const precision = zeros(table.studies);
  const sum = zeros(table.studies);
  table.yi.forEach((yi, i) => {
    const s = table.study[table.group[i]];
    count[s] += 1;
    precision[s] += 1 / table.vi[i];
    sum[s] += yi / table.vi[i];
  });
  return payload.labels.map((/** @type {string} */ label, /** @type {number} */ s) => (
    { s, label, count: count[s], mean: sum[s] / precision[s], precision: precision[s], half: Z / sqrt(precision[s]) }));
}

/** @param {Iterable<number>} values */
const ascending = (values) => [...values].sort((a, b) => a - b);

/**
 * Place the tools of the studies; return the function that draws them.
 * @param {Page} page
 */
export function studiesPart(page) {
  const { content } = page;
  const { payload, table } = content;
  const studies = studiesOf(content);
  const largest = max(...studies.map(({ precision }) => precision));
  const search = h("input", { type: "search", placeholder: "name", "aria-label": "Search studies", input: () => draw() });
  const order = h("select", { "aria-label": "Order of the studies", change: () => draw() },
    ...Object.keys(ORDERS_OF_STUDIES).map((by) => h("option", { value: by }, `by ${by}`)));
  const listed = () => {
    const sought = search.value.trim().toLowerCase();
    return studies.filter(({ label }) => label.toLowerCase().includes(sought)).sort(ORDERS_OF_STUDIES[order.value]);
  };
  const toggle = (/** @type {number} */ s) => {
    const out = new Set(page.state().out);
    if (!out.delete(s)) out.add(s);
    page.change({ out: ascending(out) });
  };
  let drawn = "";
  /** @type {Study[]} */
  let some = [];
  const redraw = () => {
    const all = listed();
    some = all.slice(0, MOST_ROWS);
    const rows = some.map(({ s, label, mean, precision, half }) => ({
      label,
      size: precision / largest,
      toggle: () => toggle(s),
      marks: [{ mean, low: mean - half, high: mean + half, source: "study" }],
      text: estimateText(mean, mean - half, mean + half),
    }));
    const cells = some.map(({ s, label, mean }) => [tick(label, true, () => toggle(s), { "data-study": s }), "", numberText(mean)]);
    const cut = all.length > some.length && h("p", { class: "note" }, `The first ${some.length} of ${all.length} studies; search for the others.`);
    const options = { width: widthOf("studies"), label: "Studies with 95 % intervals", axis: payload.measure.axis, zero: payload.measure.hasNull };
    show("studies", ...(cut ? [cut] : []),
      folding("Tick boxes", textTable("Studies that count", ["study", "effects that count", "mean"], cells)),
      h("figure", { class: "tall", tabindex: 0, "aria-label": options.label }, forest(rows, options)));
  };
  // a change of settings leaves the pictures as they are: only what counts is shown again
  const draw = () => {
    const key = [search.value, order.value, widthOf("studies")].join("\n");
    if (key !== drawn) redraw();
    drawn = key;
    const out = new Set(page.state().out);
    const counted = new Int32Array(table.studies);
    keptEffects(content, page.state()).forEach((keeps, i) => { counted[table.study[table.group[i]]] += keeps; });
    const rows = document.querySelectorAll("#studies svg .row");
    const lines = document.querySelectorAll("#studies tbody tr");
    some.forEach(({ s, count }, at) => {
      rows[at].classList.toggle("out", counted[s] === 0);
      /** @type {HTMLInputElement} */ (lines[at].querySelector("input")).checked = !out.has(s);
      lines[at].children[1].textContent = `${counted[s]} of ${count}`;
    });
  };
  show("studies-tools", search, order,
    button("all in", () => page.change({ out: [] })),
    button("leave the listed out", () => page.change({ out: ascending(new Set([...page.state().out, ...listed().map(({ s }) => s)])) })),
    button("only the listed", () => {
      const chosen = new Set(listed().map(({ s }) => s));
      page.change({ out: studies.map(({ s }) => s).filter((s) => !chosen.has(s)) });
    }));
  return draw;
}
