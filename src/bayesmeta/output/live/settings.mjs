// @ts-check
/** The panel of settings: conclusion, priors, dependence, filters. */
import { isFinite, max, min } from "./engine/numbers.mjs";
import { button, choiceControl, field, labelled, numberControl, on, part, show, tick } from "./controls.mjs";
import { h } from "./elements.mjs";
import { LEVELS } from "./engine/arrays.mjs";
import { FAMILIES, fits } from "./engine/families.mjs";
import { AS_REPORTED, filterOf } from "./state.mjs";
import { shortNumber } from "./texts.mjs";

/** @typedef {import("./controls.mjs").Page} Page */
/** @typedef {import("./state.mjs").Conclusion} Conclusion */
/** @typedef {import("./state.mjs").Filter} Filter */
/** @typedef {import("./state.mjs").Moderator} Moderator */

/** Connect the conclusion. @param {Page} page */
function conclusionControls(page) {
  const { state, change } = page;
  const take = (/** @type {Partial<Conclusion>} */ changes) => change({ conclusion: { ...state().conclusion, ...changes } });
  choiceControl(page, "conclusion", () => String(state().conclusion.at), (at) => take({ at: Number(at) }));
  choiceControl(page, "kind", () => state().conclusion.kind, (kind) => take({ kind: /** @type {"above"} */ (kind) }));
  numberControl(page, "rope", () => state().rope, (rope) => change({ rope }));
}

/** Connect the priors. @param {Page} page */
function priorControls(page) {
  const { state, change } = page;
  const { report, payload } = page.content;
  numberControl(page, "location", () => state().location, (location) => change({ location }));
  numberControl(page, "scale", () => state().scale, (scale) => change({ scale }));
  choiceControl(page, "family", () => state().family, (family) => {
    const now = state().family === AS_REPORTED ? payload.model.tau : state();
    const similar = () => FAMILIES[family].typical(FAMILIES[now.family].size(now.parameters)); // of about the same size
    change({ family, parameters: family === report.family ? report.parameters : similar() });
  });
  parameterFields(page);
}

/**
 * Connect the parameters of the prior of the taus.
 * @param {Page} page
 */
function parameterFields({ state, change, controls }) {
  const fields = part("parameters");
  const take = (/** @type {number} */ at, /** @type {HTMLInputElement} */ input) => {
    const parameters = state().parameters.map((old, place) => (place === at ? input.valueAsNumber : old));
    if (fits(state().family, parameters)) change({ parameters });
    else input.value = shortNumber(state().parameters[at]);
  };
  controls.push(() => {
    const { family, parameters } = state();
    if (fields.dataset.family !== family) {
      fields.dataset.family = family;
      fields.replaceChildren(...(FAMILIES[family]?.parameters ?? []).map((name, at) => labelled(`${name} of the taus' prior`,
        h("input", { type: "number", step: "any", change: ({ target }) => take(at, target) }))));
    }
    fields.querySelectorAll("input").forEach((input, at) => { input.value = shortNumber(parameters[at]); });
  });
}

/** Connect rho and the levels. @param {Page} page */
function dependenceControls(page) {
  const { state, change, controls } = page;
  choiceControl(page, "way", () => (state().rhoPrior.length ? "estimated" : "fixed"),
    (way) => change({ rhoPrior: way === "fixed" ? [] : page.content.payload.rhoIfEstimated }));
  numberControl(page, "rho", () => state().rho, (rho) => change({ rho, rhoPrior: [] }));
  const boxes = [...part("levels").querySelectorAll("input")];
  on("levels", "change", () => {
    const levels = LEVELS.filter((_, at) => boxes[at].checked);
    change({ levels: levels.length ? levels : state().levels });
  });
  controls.push(() => boxes.forEach((box) => { box.checked = state().levels.includes(box.value); }));
}

/**
 * Return a filter that keeps every effect.
 * @param {Moderator} moderator
 * @returns {Filter}
 */
function openFilter({ levels, values }) {
  if (levels) return { out: [], blank: true };
  const known = [...(values ?? [])].filter(isFinite);
  return { low: min(...known), high: max(...known), blank: true };
}

/**
 * Make the controls of a filter.
 * @param {Page} page
 * @param {string} name
 */
function filterControls({ content, state, change }, name) {
  const filter = state().filters[name];
  const at = content.moderators.findIndex((moderator) => moderator.name === name);
  const { words, levels } = content.moderators[at];
  const set = (/** @type {Partial<Filter>} */ changes) => change({ filters: { ...state().filters, [name]: { ...filter, ...changes } } });
  const remove = () => {
    const { [name]: _, ...others } = state().filters;
    change({ filters: others });
  };
  const boxes = (levels ?? []).map((level, code) => tick(level, !filter.out?.includes(code), (on) => {
    const others = (filter.out ?? []).filter((other) => other !== code);
    set({ out: on ? others : [...others, code].sort((a, b) => a - b) });
  }, { id: `filter-${at}-${code}` }));
  const ends = levels ? [] : /** @type {("low" | "high")[]} */ (["low", "high"]).map((end) => {
    const take = (/** @type {any} */ { target }) => { if (isFinite(target.valueAsNumber)) set({ [end]: target.valueAsNumber }); };
    const input = h("input", { type: "number", step: "any", value: filter[end], id: `filter-${at}-${end}`, change: take });
    return labelled(end === "low" ? "from" : "to", input);
  });
  const blank = tick("blank", filter.blank, (on) => set({ blank: on }), { id: `filter-${at}-blank` });
  return h("fieldset", {}, h("legend", {}, words), h("div", { class: "ticks" }, ...boxes, ...ends, blank),
    button("remove this filter", remove));
}

/** Connect the filters and the correction. @param {Page} page */
function filterPart(page) {
  const { content, state, change, controls } = page;
  on("moderator", "change", () => {
    const select = field("moderator");
    const moderator = content.moderators.find(({ name }) => name === select.value);
    select.value = "";
    if (!moderator || filterOf(state(), moderator.name)) return;
    change({ filters: { ...state().filters, [moderator.name]: openFilter(moderator) } });
  });
  if (content.corrected) {
    choiceControl(page, "errors", () => String(state().corrected), (value) => change({ corrected: value === "true" }));
  }
  let drawn = "";
  controls.push(() => {
    const key = JSON.stringify(state().filters);
    if (key === drawn) return;
    drawn = key;
    const focused = document.activeElement?.id;
    show("filters", ...Object.keys(state().filters).map((name) => filterControls(page, name)));
    if (focused) part(focused)?.focus();
  });
}

/**
 * Connect the panel.
 * @param {Page} page
 */
export function settingsPanel(page) {
  conclusionControls(page);
  priorControls(page);
  dependenceControls(page);
  filterPart(page);
}
