// @ts-check
/** Elements of the page. Texts of the table become text nodes, never markup. */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Record<string, string | number | boolean | undefined | ((event: any) => void)>} Attributes */
/** @typedef {Node | string} Child */

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
  element.append(...children);
  return element;
}

/**
 * Make an element of HTML.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {Child[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export const h = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);

/**
 * Make an element of SVG.
 * @param {string} tag
 * @param {Attributes} [attributes]
 * @param {Child[]} children
 * @returns {Element}
 */
export const s = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

/** Make a picture of a width and height, in px. @type {(width: number, height: number, label: string) => Element} */
export const picture = (width, height, label) =>
  s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label });

/** Make a line. @type {(kind: string, x1: number, y1: number, x2: number, y2: number) => Element} */
export const line = (kind, x1, y1, x2, y2) => s("line", { class: kind, x1, y1, x2, y2 });

/** Make a rectangle. @type {(kind: string, x: number, y: number, width: number, height: number) => Element} */
export const box = (kind, x, y, width, height) => s("rect", { class: kind, x, y, width, height });

/** Make a text. @type {(kind: string, x: number, y: number, words: string, anchor?: string) => Element} */
export const text = (kind, x, y, words, anchor = "middle") => s("text", { class: kind, x, y, "text-anchor": anchor }, words);

/**
 * Make a table, the twin of a picture in text.
 * @param {string} caption
 * @param {string[]} columns
 * @param {Child[][]} rows the first cell of a row is its heading
 */
export function textTable(caption, columns, rows) {
  const head = h("tr", {}, ...columns.map((column) => h("th", { scope: "col" }, column)));
  const body = rows.map(([heading, ...cells]) =>
    h("tr", {}, h("th", { scope: "row" }, heading), ...cells.map((cell) => h("td", {}, cell))));
  return h("div", { class: "wide", tabindex: 0, role: "group", "aria-label": caption },
    h("table", {}, h("caption", {}, caption), h("thead", {}, head), h("tbody", {}, ...body)));
}
