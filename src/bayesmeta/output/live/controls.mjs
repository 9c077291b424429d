// @ts-check
/** Controls of the page, which show its state and change it. */
import { max, min } from "./engine/numbers.mjs";
import { h } from "./elements.mjs";
import { shortNumber } from "./texts.mjs";

/** @typedef {import("./state.mjs").State} State */

/**
 * What the parts of the page share.
 * @typedef {object} Page
 * @property {import("./state.mjs").Content} content
 * @property {(kind: string, request: any) => Promise<any>} ask
 * @property {() => State} state
 * @property {(changes: Partial<State>) => void} change
 * @property {() => number} turn number of the last computation: an answer to an older one is not shown
 * @property {() => import("./answers.mjs").Summary[]} summaries of the report, and as set where that differs; none if it cannot be computed
 * @property {(() => void)[]} controls functions that show the state in a control
 */

/** Find a part of the page. @param {string} id */
export const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** Find a field of the page. @param {string} id */
export const field = (id) => /** @type {HTMLInputElement} */ (part(id));

/** Show elements or a text in a part of the page. @param {string} id @param {(Node | string)[]} children */
export const show = (id, ...children) => part(id).replaceChildren(...children);

/** Listen to an event, where the page has the part. @param {string} id @param {string} event @param {(event: any) => void} act */
export const on = (id, event, act) => part(id)?.addEventListener(event, act);

/** Write why nothing is computed. @param {unknown} error */
export const errorText = (error) => `This cannot be computed: ${error instanceof Error ? error.message : error}`;

/** Return the width of pictures in a part of the page, in px. @param {string} id @param {number} [most] */
export const widthOf = (id, most = 980) => max(300, min(part(id).clientWidth || 640, most));

/** Make a button. @param {string} words @param {() => void} click */
export const button = (words, click) => h("button", { type: "button", click }, words);

/** Make a field with a label. @param {string} label @param {Node} input */
export const labelled = (label, input) => h("label", { class: "field" }, h("span", {}, label), input);

/**
 * Connect a number field with the state, where the page has it; it takes numbers within its limits.
 * @param {Page} page
 * @param {string} id
 * @param {() => number} get
 * @param {(value: number) => void} set
 */
export function numberControl({ controls }, id, get, set) {
  const input = field(id);
  if (!input) return;
  on(id, "change", () => {
    const value = input.valueAsNumber;
    if (!(value >= Number(input.min) && value <= Number(input.max))) input.value = shortNumber(get());
    else if (value !== get()) set(value);
  });
  controls.push(() => { if (input.valueAsNumber !== get()) input.value = shortNumber(get()); });
}

/**
 * Connect a list of choices with the state.
 * @param {Page} page
 * @param {string} id
 * @param {() => string} get
 * @param {(value: string) => void} set
 */
export function choiceControl({ controls }, id, get, set) {
  on(id, "change", () => set(field(id).value));
  controls.push(() => { field(id).value = get(); });
}

/**
 * Make a box to tick.
 * @param {string} label
 * @param {boolean} checked
 * @param {(on: boolean) => void} act
 * @param {Record<string, string | number>} attributes
 */
export function tick(label, checked, act, attributes) {
  const change = (/** @type {any} */ event) => act(event.target.checked);
  return h("label", {}, h("input", { type: "checkbox", checked, change, ...attributes }), ` ${label}`);
}
