// @ts-check
/** A study that the reader adds: its prediction before its effect is given, then its row. */
import { isFinite, sqrt } from "./engine/numbers.mjs";
import { button, errorText, field, labelled, on, part, show, widthOf } from "./controls.mjs";
import { floatsOf, hedges } from "./data.mjs";
import { h } from "./elements.mjs";
import { density } from "./pictures.mjs";
import { analysisOf } from "./state.mjs";
import { numberText, shortText } from "./texts.mjs";
import { predictionText } from "./words.mjs";

/** @typedef {import("./controls.mjs").Page} Page */

const MOST_CHOICES = 60; // distinct rows of the design in a list; of more, the terms are numbers to fill in
const PAUSE = 150; // ms after a key, before the prediction
const NUMBERS = ["m1", "sd1", "n1", "m2", "sd2", "n2"];

/**
 * Write the terms that a row of the design informs.
 * @param {number[]} row
 * @param {string[]} names
 */
function rowText(row, names) {
  const used = row.flatMap((value, j) => (value === 0 ? [] : [value === 1 ? names[j] : `${names[j]} = ${shortText(value)}`]));
  return used.join(" + ") || "all terms 0";
}

/**
 * Place the choice of a row of the design; of many rows, numbers that begin with the first effect of the table.
 * @param {Page["content"]} content
 * @returns {() => number[]} the row that is chosen
 */
function rowControl({ names, payload, table: { terms, x } }) {
  const rows = floatsOf(payload.table.rows);
  const distinct = Array.from({ length: rows.length / terms }, (_, i) => [...rows.subarray(i * terms, (i + 1) * terms)]);
  const first = (/** @type {number[]} */ row) => row.findIndex((value) => value !== 0);
  distinct.sort((a, b) => first(a) - first(b)); // in the order of the terms
  if (distinct.length <= MOST_CHOICES) {
    const select = h("select", {}, ...distinct.map((row, at) => h("option", { value: at }, rowText(row, names))));
    show("informs", labelled("It informs", select));
    return () => distinct[Number(select.value)];
  }
  const inputs = Array.from(x.subarray(0, terms), (value) => h("input", { type: "number", step: "any", value }));
  show("informs", h("div", { class: "fields" }, ...inputs.map((input, j) => labelled(names[j], input))));
  return () => inputs.map((input) => Number(input.value));
}

/**
 * Connect the form; return the function that draws the prediction again.
 * @param {Page} page
 */
export function newStudyForm({ content, ask, state, change, turn, summaries, controls }) {
  const informed = rowControl(content);
  const value = (/** @type {string} */ name) => field(`new-${name}`).valueAsNumber;
  const isDirect = () => field("given").value === "direct";
  const effect = () => {
    if (isDirect()) return { yi: value("yi"), vi: value("sei") ** 2 };
    const numbers = Object.fromEntries(NUMBERS.map((name) => [name, value(name)]));
    const known = hedges(numbers);
    return isFinite(known.yi) ? known : { yi: NaN, vi: 1 / numbers.n1 + 1 / numbers.n2 };
  };
  const predict = async () => {
    part("raw").hidden = isDirect();
    part("direct").hidden = !isDirect();
    const { yi, vi } = effect();
    const isReady = vi > 0 && isFinite(vi) && summaries().length > 0;
    field("add").disabled = !(isReady && isFinite(yi));
    part("no-prediction").hidden = isReady;
    if (!isReady) {
      show("predicted");
      show("prediction-density");
      return;
    }
    const mine = turn();
    try {
      const prediction = await ask("prediction", { ...analysisOf(content, state()), x: informed(), vi });
      if (mine !== turn()) return;
      const observed = isFinite(yi) ? yi : undefined;
      const label = predictionText(prediction, observed);
      show("predicted", label);
      const { axis } = content.payload.measure;
      show("prediction-density", density({ ...prediction, observed, width: widthOf("prediction", 640), label, axis }));
    } catch (error) {
      if (mine === turn()) show("predicted", errorText(error));
    }
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  on("new-study", "input", () => {
    clearTimeout(timer);
    timer = setTimeout(predict, PAUSE);
  });
  on("add", "click", () => {
    const { added } = state();
    const label = field("new-name").value.trim() || `new study ${added.length + 1}`;
    const row = { label, ...effect(), x: informed() };
    for (const name of ["name", "yi", "sei", ...NUMBERS]) field(`new-${name}`).value = "";
    change({ added: [...added, row] });
  });
  controls.push(() => {
    const { added } = state();
    show("added", ...added.map(({ label, yi, vi, x }, at) => h("li", {},
      `${label}: ${numberText(yi, 3)}, standard error ${numberText(sqrt(vi), 3)}, ${rowText(x, content.names)} `,
      button(`remove ${label}`, () => change({ added: added.filter((_, place) => place !== at) })))));
  });
  return predict;
}
