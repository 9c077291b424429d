// @ts-check
/** The panel of settings: conclusion, priors, dependence, filters. */
import { max, min } from "./engine/numbers.mjs";
import { FAMILIES, fits } from "./engine/families.mjs";
import { button, choiceControl, group, labelled, numberControl, shortNumber, show, tick } from "./controls.mjs";
import { h } from "./elements.mjs";
import { AS_REPORTED, KINDS, LEVEL_NAMES, parametersOf } from "./state.mjs";

/** @typedef {import("./controls.mjs").Page} Page */
/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./state.mjs").Filter} Filter */
/** @typedef {import("./state.mjs").Moderator} Moderator */

const ANY = { min: -1e6, max: 1e6, step: "any" };
const POSITIVE = { min: 1e-6, max: 1e6, step: "any" };
const KIND_WORDS = {
  positive: "is above 0",
  negative: "is below 0",
  above: "is above the region of practical equivalence",
  below: "is below the region of practical equivalence",
  inside: "is inside the region of practical equivalence",
};

/** @param {Page} page */
function conclusionGroup(page) {
  const { state, change } = page;
  const { names } = page.content;
  const take = (/** @type {Partial<State["conclusion"]>} */ part) => change({ conclusion: { ...state().conclusion, ...part } });
  return group("Conclusion",
    choiceControl(page, "Conclusion", names.map((name, at) => [String(at), name]), () => String(state().conclusion.at), (at) => take({ at: Number(at) })),
    choiceControl(page, "which", KINDS.map((kind) => [kind, KIND_WORDS[/** @type {"above"} */ (kind)]]), () => state().conclusion.kind,
      (kind) => take({ kind: /** @type {"above"} */ (kind) })),
    numberControl(page, "Region of practical equivalence, \u00b1", () => state().rope, (rope) => change({ rope }), { ...POSITIVE, min: 0 }));
}

/** @param {Page} page */
function priorsGroup(page) {
  const { state, change } = page;
  const single = page.content.payload.model.terms.scale !== null;
  const families = [...(page.content.report.family === AS_REPORTED ? [AS_REPORTED] : []), ...Object.keys(FAMILIES)];
  return group("Priors",
    single ? numberControl(page, "Means: prior mean", () => state().location, (value) => change({ location: value }), ANY) : null,
    numberControl(page, single ? "Terms: prior sd" : "Terms: factor of the prior sds", () => state().scale, (scale) => change({ scale }), POSITIVE),
    choiceControl(page, "Taus: family", families.map((family) => [family, family]), () => state().family, (family) => takeFamily(page, family)),
    parameterFields(page));
}

/**
 * Take a family for the prior of the taus, of about the same size.
 * @param {Page} page
 * @param {string} family
 */
function takeFamily({ content, state, change }, family) {
  const { report, payload } = content;
  const now = state().family === AS_REPORTED ? payload.model.tau : state();
  const similar = () => FAMILIES[family].typical(FAMILIES[now.family].size(now.parameters));
  change({ family, parameters: family === report.family ? report.parameters : similar() });
}

/**
 * The parameters of the prior of the taus.
 * @param {Page} page
 */
function parameterFields({ state, change, controls }) {
  const fields = h("div", {});
  const take = (/** @type {number} */ at, /** @type {HTMLInputElement} */ input) => {
    const parameters = state().parameters.map((old, place) => (place === at ? Number(input.value) : old));
    if (input.value !== "" && fits(state().family, parameters)) change({ parameters });
    else input.value = shortNumber(state().parameters[at]);
  };
  controls.push(() => {
    const { family, parameters } = state();
    if (fields.dataset.family !== family) {
      fields.dataset.family = family;
      fields.replaceChildren(...parametersOf(family).map((name, at) => {
        const input = h("input", { type: "number", step: "any", inputmode: "decimal" });
        input.addEventListener("change", () => take(at, input));
        return labelled(`${name} of the taus' prior`, input);
      }));
    }
    fields.querySelectorAll("input").forEach((input, at) => { input.value = shortNumber(parameters[at]); });
  });
  return fields;
}

/** @param {Page} page */
function dependenceGroup(page) {
  const { state, change, controls } = page;
  const boxes = LEVEL_NAMES.map((level) => {
    const label = tick(level, false, (on) => {
      const levels = LEVEL_NAMES.filter((name) => (name === level ? on : state().levels.includes(name)));
      change({ levels: levels.length ? levels : state().levels });
    });
    const box = /** @type {HTMLInputElement} */ (label.querySelector("input"));
    controls.push(() => { box.checked = state().levels.includes(level); });
    return label;
  });
  const { rhoPrior } = page.content.report;
  const estimated = rhoPrior.length ? rhoPrior : [1, 1];
  return group("Dependence",
    choiceControl(page, "rho, correlation of errors in a group", [["fixed", "is fixed"], ["estimated", `is estimated, prior Beta(${estimated.join(", ")})`]],
      () => (state().rhoPrior.length ? "estimated" : "fixed"), (way) => change({ rhoPrior: way === "fixed" ? [] : estimated })),
    numberControl(page, "rho, if it is fixed", () => state().rho, (rho) => change({ rho, rhoPrior: [] }), { min: 0, max: 0.95, step: 0.05 }),
    h("p", { class: "note" }, "True effects vary by"), h("div", { class: "ticks" }, ...boxes));
}

/**
 * A filter that keeps every effect.
 * @param {Moderator} moderator
 * @returns {Filter}
 */
function openFilter({ levels, values }) {
  if (levels) return { out: [], blank: true };
  const known = [...(values ?? [])].filter(Number.isFinite);
  return { low: min(...known), high: max(...known), blank: true };
}

/**
 * The controls of a filter.
 * @param {Page} page
 * @param {string} name
 */
function filterControls({ content, state, change }, name) {
  const filter = state().filters[name];
  const at = content.moderators.findIndex((moderator) => moderator.name === name);
  const { words, levels } = content.moderators[at];
  const set = (/** @type {Partial<Filter>} */ part) => change({ filters: { ...state().filters, [name]: { ...state().filters[name], ...part } } });
  const remove = () => {
    const { [name]: _, ...others } = state().filters;
    change({ filters: others });
  };
  const boxes = (levels ?? []).map((level, code) => tick(level, !filter.out?.includes(code), (on) => {
    const others = (filter.out ?? []).filter((other) => other !== code);
    set({ out: on ? others : [...others, code].sort((a, b) => a - b) });
  }, { id: `filter-${at}-${code}` }));
  const ends = levels ? [] : /** @type {("low" | "high")[]} */ (["low", "high"]).map((end) => {
    const input = h("input", { type: "number", step: "any", value: filter[end], id: `filter-${at}-${end}` });
    input.addEventListener("change", () => { if (input.value !== "" && Number.isFinite(Number(input.value))) set({ [end]: Number(input.value) }); });
    return labelled(end === "low" ? "from" : "to", input);
  });
  const blank = tick("blank", filter.blank, (on) => set({ blank: on }), { id: `filter-${at}-blank` });
  return group(words, h("div", { class: "ticks" }, ...boxes, ...ends, blank), button("remove this filter", remove));
}

/** @param {Page} page */
function filtersGroup(page) {
  const { content, state, change, controls } = page;
  const where = h("p", { class: "note" }, "Studies: tick boxes and forest under \u201cStudies\u201d.");
  if (!content.moderators.length) return group("Which effects count", h("p", { class: "note" }, "The table has no moderators."), where);
  const select = h("select", { "aria-label": "Moderator to filter by" }, h("option", { value: "" }, "choose a moderator"),
    ...content.moderators.map(({ name, words }) => h("option", { value: name }, words)));
  select.addEventListener("change", () => {
    const moderator = content.moderators.find(({ name }) => name === select.value);
    select.value = "";
    if (moderator && !state().filters[moderator.name]) change({ filters: { ...state().filters, [moderator.name]: openFilter(moderator) } });
  });
  const filters = h("div", {});
  let drawn = "";
  controls.push(() => {
    const key = JSON.stringify(state().filters);
    if (key === drawn) return;
    drawn = key;
    const focused = document.activeElement?.id;
    filters.replaceChildren(...Object.keys(state().filters).map((name) => filterControls(page, name)));
    if (focused) document.getElementById(focused)?.focus();
  });
  return group("Which effects count", labelled("Filter", select), filters, where);
}

/**
 * Place the panel.
 * @param {Page} page
 */
export function settingsPanel(page) {
  show("controls", conclusionGroup(page), priorsGroup(page), dependenceGroup(page), filtersGroup(page));
}
