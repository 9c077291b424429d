// @ts-check
/** A study that the reader adds: its prediction before its effect is given, then its row. */
import { min, sqrt } from "./engine/numbers.mjs";
import { logGamma } from "./engine/special.mjs";
import { floatsOf } from "./data.mjs";
import { button, labelled, show, tell, tellError, widthOf } from "./controls.mjs";
import { h } from "./elements.mjs";
import { density } from "./pictures.mjs";
import { analysisOf, hedges } from "./state.mjs";
import { numberText } from "./texts.mjs";
import { predictionText } from "./words.mjs";

/** @typedef {import("./controls.mjs").Page} Page */

const WAITING = "With a standard error, or group sizes, the prediction for the study appears here before its effect is known.";
const MOST_CHOICES = 60; // distinct rows of the design in a list; of more, the terms are numbers to fill in
const LONGEST_NAME = 80;
const PAUSE = 150; // ms after a key, before the prediction

/**
 * The terms that a row of the design informs, in words.
 * @param {number[]} row
 * @param {string[]} names
 */
function rowText(row, names) {
  const used = row.flatMap((value, j) => (value === 0 ? [] : [value === 1 ? names[j] : `${names[j]} = ${Number(value.toPrecision(4))}`]));
  return used.join(" + ") || "all terms 0";
}

/**
 * The choice of a row of the design; of many rows, numbers that begin with the first effect of the table.
 * @param {Page} page
 * @param {() => void} changed
 */
function rowControl({ content }, changed) {
  const { names, payload, table } = content;
  const rows = floatsOf(payload.table.rows);
  const distinct = Array.from({ length: rows.length / table.terms }, (_, i) => [...rows.subarray(i * table.terms, (i + 1) * table.terms)]);
  const first = (/** @type {number[]} */ row) => row.findIndex((value) => value !== 0);
  distinct.sort((a, b) => first(a) - first(b)); // in the order of the terms
  if (distinct.length <= MOST_CHOICES) {
    const select = h("select", { change: changed }, ...distinct.map((row, at) => h("option", { value: at }, rowText(row, names))));
    return { node: labelled("It informs", select), row: () => distinct[Number(select.value)] };
  }
  const inputs = names.slice(0, table.terms).map((name, j) => ({ name, input: h("input", { type: "number", step: "any", value: table.x[j], input: changed }) }));
  const node = h("div", { class: "fields" }, ...inputs.map(({ name, input }) => labelled(name, input)));
  return { node, row: () => inputs.map(({ input }) => Number(input.value)) };
}

/**
 * Fields by name, with their numbers (NaN where empty).
 * @param {Record<string, string>} labels
 * @param {() => void} changed
 */
function fieldsOf(labels, changed) {
  const inputs = Object.fromEntries(Object.keys(labels).map((name) => [name, h("input", { type: "number", step: "any", input: changed })]));
  return {
    nodes: Object.entries(labels).map(([name, label]) => labelled(label, inputs[name])),
    value: (/** @type {string} */ name) => (inputs[name].value.trim() === "" ? NaN : Number(inputs[name].value)),
    clear: () => { for (const input of Object.values(inputs)) input.value = ""; },
  };
}

/**
 * Place the form; return the function that draws the prediction again.
 * @param {Page} page
 */
export function newStudyForm(page) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const soon = () => { clearTimeout(timer); timer = setTimeout(predict, PAUSE); };
  const name = h("input", { type: "text", maxlength: LONGEST_NAME });
  const direct = fieldsOf({ sei: "Standard error", yi: "Effect yi" }, soon);
  const raw = fieldsOf({ m1: "Mean 1", sd1: "SD 1", n1: "n 1", m2: "Mean 2", sd2: "SD 2", n2: "n 2" }, soon);
  const given = h("select", {}, h("option", { value: "direct" }, "effect and standard error"), h("option", { value: "raw" }, "means, SDs and group sizes (Hedges' g)"));
  const fields = h("div", { class: "fields" });
  const informs = rowControl(page, soon);

  const effect = () => {
    if (given.value === "direct") return { yi: direct.value("yi"), vi: direct.value("sei") ** 2 };
    const [m1, sd1, n1, m2, sd2, n2] = ["m1", "sd1", "n1", "m2", "sd2", "n2"].map(raw.value);
    const known = hedges({ m1, sd1, n1, m2, sd2, n2 }, logGamma);
    return Number.isFinite(known.yi) ? known : { yi: NaN, vi: 1 / n1 + 1 / n2 };
  };
  const predict = async () => {
    const { yi, vi } = effect();
    const ready = vi > 0 && Number.isFinite(vi) && page.ready();
    addButton.disabled = !(ready && Number.isFinite(yi));
    if (!ready) {
      tell("prediction", WAITING);
      return;
    }
    const mine = page.turn();
    try {
      const prediction = await page.ask("prediction", { ...analysisOf(page.content, page.state()), x: informs.row(), vi });
      if (mine !== page.turn()) return;
      const observed = Number.isFinite(yi) ? yi : undefined;
      const sentence = predictionText(prediction, observed);
      const options = { ...prediction, observed, width: min(widthOf("prediction"), 640), label: sentence, axis: page.content.payload.measure.axis };
      show("prediction", h("p", { role: "status" }, sentence), h("figure", {}, density(options)));
    } catch (error) {
      if (mine === page.turn()) tellError("prediction", error);
    }
  };
  const addButton = button("Add the study", () => {
    const { added } = page.state();
    const label = name.value.trim().slice(0, LONGEST_NAME) || `new study ${added.length + 1}`;
    const row = { label, ...effect(), x: informs.row() };
    name.value = "";
    direct.clear();
    raw.clear();
    page.change({ added: [...added, row] });
  });
  const list = h("ul", {});
  page.controls.push(() => {
    const { added } = page.state();
    list.replaceChildren(...added.map(({ label, yi, vi, x }, at) => h("li", {},
      `${label}: ${numberText(yi, 3)}, standard error ${numberText(sqrt(vi), 3)}, ${rowText(x, page.content.names)} `,
      button(`remove ${label}`, () => page.change({ added: added.filter((_, place) => place !== at) })))));
  });
  const showFields = () => {
    fields.replaceChildren(...(given.value === "direct" ? direct : raw).nodes);
    predict();
  };
  given.addEventListener("change", showFields);
  show("new-study", h("div", { class: "fields" }, labelled("Name", name), informs.node, labelled("Given", given)), fields, addButton, list);
  showFields();
  return predict;
}
