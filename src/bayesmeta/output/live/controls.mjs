// @ts-check
/** Controls that show the state of the page and change it. */
import { max, min } from "./engine/numbers.mjs";
import { h } from "./elements.mjs";

/** @typedef {import("./state.mjs").State} State */

/**
 * What the parts of the page share.
 * @typedef {object} Page
 * @property {import("./state.mjs").Content} content
 * @property {(kind: string, request: any) => Promise<any>} ask
 * @property {() => State} state
 * @property {(changes: Partial<State>) => void} change
 * @property {() => number} turn number of the last computation: an answer to an older one is not shown
 * @property {() => boolean} ready whether the settings could be computed
 * @property {(() => void)[]} controls functions that show the state in a control
 */

/** @param {string} id */
export const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {string} id @param {(Node | string)[]} children */
export const show = (id, ...children) => part(id).replaceChildren(...children);

/** @param {string} id @param {string} words */
export const tell = (id, words) => show(id, h("p", { class: "note", role: "status" }, words));

/** @param {string} id @param {unknown} error */
export const tellError = (id, error) => tell(id, `This cannot be computed: ${error instanceof Error ? error.message : error}`);

/** The width of pictures in an element, in px. @param {string} id */
export const widthOf = (id) => max(300, min(part(id).clientWidth || 640, 980));

/** A number as an input shows it. @param {number} value */
export const shortNumber = (value) => String(Number(value.toPrecision(6)));

/** @param {string} words @param {() => void} act */
export const button = (words, act) => h("button", { type: "button", click: act }, words);

/** @param {string} legend @param {(Node | null)[]} children */
export const group = (legend, ...children) => h("fieldset", {}, h("legend", {}, legend), ...children);

/** @param {string} label @param {Node} input */
export const labelled = (label, input) => h("label", { class: "field" }, h("span", {}, label), input);

/**
 * A number of the state.
 * @param {Page} page
 * @param {string} label
 * @param {() => number} get
 * @param {(value: number) => void} set
 * @param {{min: number, max: number, step: string | number}} range
 */
export function numberControl({ controls }, label, get, set, { min, max, step }) {
  const input = h("input", { type: "number", min, max, step, inputmode: "decimal" });
  input.addEventListener("change", () => {
    const value = Number(input.value);
    if (input.value === "" || !(value >= min && value <= max)) input.value = shortNumber(get());
    else if (value !== get()) set(value);
  });
  controls.push(() => { if (Number(input.value) !== get() || input.value === "") input.value = shortNumber(get()); });
  return labelled(label, input);
}

/**
 * A choice of the state: values with their words.
 * @param {Page} page
 * @param {string} label
 * @param {[string, string][]} options
 * @param {() => string} get
 * @param {(value: string) => void} set
 */
export function choiceControl({ controls }, label, options, get, set) {
  const select = h("select", {}, ...options.map(([value, words]) => h("option", { value }, words)));
  select.addEventListener("change", () => set(select.value));
  controls.push(() => { select.value = get(); });
  return labelled(label, select);
}

/**
 * A box to tick.
 * @param {string} label
 * @param {boolean} checked
 * @param {(on: boolean) => void} act
 * @param {Record<string, string | number>} [attributes]
 */
export function tick(label, checked, act, attributes = {}) {
  const change = (/** @type {any} */ event) => act(event.target.checked);
  return h("label", {}, h("input", { type: "checkbox", checked, change, ...attributes }), ` ${label}`);
}
