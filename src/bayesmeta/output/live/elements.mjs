// @ts-check
/** Elements of the page. Texts of the table become text nodes, never markup. */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Record<string, string | number | boolean | undefined | ((event: any) => void)>} Attributes */
/** @typedef {Node | string | null | undefined | false} Child */

/**
 * Fill an element: attributes, listeners (functions, by the name of the event), and children.
 * @template {Element} T
 * @param {T} element
 * @param {Attributes} attributes
 * @param {Child[]} children
 * @returns {T}
 */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false).map((child) => child || ""));
  return element;
}

/**
 * An element of HTML.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {Child[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/**
 * An element of SVG.
 * @param {string} tag
 * @param {Attributes} [attributes]
 * @param {Child[]} children
 * @returns {SVGElement}
 */
export function s(tag, attributes = {}, ...children) {
  return /** @type {SVGElement} */ (filled(document.createElementNS(SVG, tag), attributes, children));
}

/**
 * A table, the twin of a picture in text.
 * @param {string} caption
 * @param {string[]} columns
 * @param {Child[][]} rows the first cell of a row is its heading
 */
export function textTable(caption, columns, rows) {
  const head = h("tr", {}, ...columns.map((column) => h("th", { scope: "col" }, column)));
  const body = rows.map((row) => h("tr", {}, ...row.map((cell, at) => (at === 0 ? h("th", { scope: "row" }, cell) : h("td", {}, cell)))));
  return h("div", { class: "wide", tabindex: 0, role: "group", "aria-label": caption },
    h("table", {}, h("caption", {}, caption), h("thead", {}, head), h("tbody", {}, ...body)));
}

/** @type {Set<string>} */
const unfolded = new Set();

/**
 * A part that folds; when it is drawn again it stays as the reader left it.
 * @param {string} summary
 * @param {Node} child
 * @param {string} [name]
 */
export function folding(summary, child, name = summary) {
  const remember = (/** @type {any} */ event) => {
    if (event.target.open) unfolded.add(name);
    else unfolded.delete(name);
  };
  return h("details", { open: unfolded.has(name), toggle: remember }, h("summary", {}, summary), child);
}
