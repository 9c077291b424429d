// @ts-check
/** Pictures of the page, in SVG. Texts of the table become text nodes, never markup. */

const SVG = "http://www.w3.org/2000/svg";
const MINUS = "\u2212";
const NARROW = 560; // px, below which a label stands above its line
const LONG = 30; // rows, above which the axis also stands at the top

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
 * A number with a fixed number of digits and a true minus sign.
 * @param {number} value
 * @param {number} [digits]
 */
export function numberText(value, digits = 2) {
  if (Number.isNaN(value)) return "\u2013";
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", MINUS);
}

/**
 * Digits with which an interval has two of its width.
 * @param {number} low
 * @param {number} high
 */
export function fineDigits(low, high) {
  const width = high - low;
  if (!(width > 0 && width < Infinity)) return 2;
  return Math.max(2, Math.min(6, Math.ceil(1 - Math.log10(width))));
}

/**
 * An estimate and its interval: `0.51 [0.24, 0.79]`.
 * @param {number} mean
 * @param {number} low
 * @param {number} high
 */
export function estimateText(mean, low, high) {
  const digits = fineDigits(low, high);
  return `${numberText(mean, digits)} ${intervalText(low, high)}`;
}

/**
 * An interval.
 * @param {number} low
 * @param {number} high
 * @param {number} [digits]
 */
export function intervalText(low, high, digits = fineDigits(low, high)) {
  return `[${numberText(low, digits)}, ${numberText(high, digits)}]`;
}

/**
 * A probability that never reads as 0 or 1.
 * @param {number} p
 */
export function probabilityText(p) {
  if (Number.isNaN(p)) return "\u2013";
  if (p < 0.001) return "< .001";
  if (p > 0.999) return "> .999";
  return p.toFixed(p >= 0.05 && p <= 0.95 ? 2 : 3).replace(/^0/, "");
}

/**
 * A probability with its sign: `= .93`, `> .999`.
 * @param {number} p
 */
export function chanceText(p) {
  const text = probabilityText(p);
  return /^[.1]/.test(text) ? `= ${text}` : text;
}

/**
 * Round numbers in a range, about `count` of them.
 * @param {number} low
 * @param {number} high
 * @param {number} count
 */
export function ticksOf(low, high, count) {
  const rough = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  const ticks = [];
  for (let i = Math.ceil(low / step); i * step <= high + 1e-9 * step; i++) ticks.push(i * step);
  return { ticks, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

/**
 * A line of a picture: estimate, interval and prediction interval of a source.
 * @typedef {object} Mark
 * @property {number} mean
 * @property {number} low
 * @property {number} high
 * @property {string} source class of its style: yours, report, published
 * @property {number[]} [prediction]
 */

/**
 * A row of a forest.
 * @typedef {object} ForestRow
 * @property {string} label
 * @property {Mark[]} marks
 * @property {string} [text] at the right
 * @property {boolean} [out] whether it does not count
 * @property {() => void} [toggle] called by a click
 * @property {number} [size] area of the square, relative to the largest
 */

/**
 * A forest: rows of labels, intervals and texts.
 * @param {ForestRow[]} rows
 * @param {{width: number, label: string, axis: string, zero: boolean, rope?: number}} options
 */
export function forest(rows, { width, label, axis, zero, rope = 0 }) {
  const narrow = width < NARROW;
  const longest = Math.max(0, ...rows.map((row) => row.label.length));
  const left = narrow ? 8 : Math.min(7 * longest + 14, 0.38 * width);
  const right = rows.some((row) => row.text) ? 138 : 12;
  const perMark = 11;
  const heights = rows.map((row) => (narrow ? 18 : 8) + Math.max(row.marks.length, 1) * perMark);
  const ends = rows.flatMap((row) => row.marks.flatMap((of) => [of.low, of.high]));
  const shown = ends.filter(Number.isFinite).sort((a, b) => a - b);
  let low = shown.length ? shown[Math.floor(0.01 * (shown.length - 1))] : -1;
  let high = shown.length ? shown[Math.ceil(0.99 * (shown.length - 1))] : 1;
  if (zero) [low, high] = [Math.min(low, -rope), Math.max(high, rope)];
  const pad = 0.04 * (high - low || 1);
  [low, high] = [low - pad, high + pad];
  const x = (/** @type {number} */ value) => left + ((value - low) / (high - low)) * (width - left - right);
  const inside = (/** @type {number} */ value) => Math.min(Math.max(x(value), left), width - right);
  const top = rows.length > LONG ? 22 : 0;
  const bottom = heights.reduce((sum, height) => sum + height, top + 6);
  const count = (width - left - right) / 70;
  const picture = s("svg", { viewBox: `0 0 ${width} ${bottom + 34}`, width, height: bottom + 34, role: "img", "aria-label": label });
  if (zero && rope > 0) picture.append(s("rect", { class: "rope", x: inside(-rope), y: 0, width: inside(rope) - inside(-rope), height: bottom }));
  if (zero) picture.append(s("line", { class: "zero", x1: x(0), x2: x(0), y1: 0, y2: bottom }));
  if (top) picture.append(axisOf(low, high, x, 4, count));
  let y = top + 4;
  rows.forEach((row, at) => {
    const middle = y + (narrow ? 18 : 4) + (row.marks.length * perMark) / 2;
    const group = s("g", { class: row.out ? "row out" : "row", click: row.toggle });
    if (row.toggle) group.append(s("title", {}, `${row.label}: click to ${row.out ? "count it" : "leave it out"}`));
    group.append(s("rect", { class: "hit", x: 0, y, width, height: heights[at] }));
    const fits = narrow ? Math.floor((width - right) / 7) : Math.floor((left - 10) / 6.6);
    const name = row.label.length > fits ? `${row.label.slice(0, Math.max(fits - 1, 1))}\u2026` : row.label;
    group.append(s("text", { x: 6, y: narrow ? y + 12 : middle + 4 }, name));
    row.marks.forEach((of, place) => {
      const lineY = y + (narrow ? 18 : 4) + (place + 0.5) * perMark;
      if (of.prediction) {
        const [from, to] = of.prediction.map(inside);
        group.append(s("line", { class: `prediction ${of.source}`, x1: from, x2: to, y1: lineY, y2: lineY }));
      }
      group.append(s("line", { class: `interval ${of.source}`, x1: inside(of.low), x2: inside(of.high), y1: lineY, y2: lineY }));
      if (of.low < low) group.append(s("text", { class: "cut", x: left - 1, y: lineY + 4, "text-anchor": "middle" }, "\u2039"));
      if (of.high > high) group.append(s("text", { class: "cut", x: width - right + 1, y: lineY + 4, "text-anchor": "middle" }, "\u203a"));
      const half = 3.2 * Math.sqrt(row.size ?? 1) + 0.8;
      if (of.mean >= low && of.mean <= high) {
        group.append(s("rect", { class: `point ${of.source}`, x: x(of.mean) - half, y: lineY - half, width: 2 * half, height: 2 * half }));
      }
    });
    if (row.text) group.append(s("text", { class: "number", x: width - 4, y: middle + 4, "text-anchor": "end" }, row.text));
    picture.append(group);
    y += heights[at];
  });
  picture.append(axisOf(low, high, x, bottom, count));
  picture.append(s("text", { class: "axis", x: left, y: bottom + 31 }, axis));
  return picture;
}

/**
 * An axis below a picture.
 * @param {number} low
 * @param {number} high
 * @param {(value: number) => number} x
 * @param {number} y
 * @param {number} count
 */
function axisOf(low, high, x, y, count) {
  const { ticks, digits } = ticksOf(low, high, count);
  const axis = s("g", { class: "axis" }, s("line", { x1: x(low), x2: x(high), y1: y, y2: y }));
  for (const tick of ticks) {
    axis.append(s("line", { x1: x(tick), x2: x(tick), y1: y, y2: y + 4 }));
    axis.append(s("text", { x: x(tick), y: y + 16, "text-anchor": "middle" }, numberText(tick, digits)));
  }
  return axis;
}

/**
 * A map: columns by rows of probabilities; a cell that is not computed yet is empty.
 * @param {{columns: string[], rows: string[], values: (number | undefined)[][], chosen: number[], width: number, label: string, x: string, y: string, pick: (row: number, column: number) => void}} options
 */
export function heatMap({ columns, rows, values, chosen, width, label, x, y, pick }) {
  const left = 58;
  const cell = (width - left - 6) / columns.length;
  const height = 30;
  const bottom = 18 + rows.length * height;
  const picture = s("svg", { viewBox: `0 0 ${width} ${bottom + 36}`, width, height: bottom + 36, role: "img", "aria-label": label });
  picture.append(s("text", { class: "axis", x: 4, y: 12 }, y));
  rows.forEach((row, i) => {
    const top = 18 + i * height;
    picture.append(s("text", { class: "axis", x: left - 8, y: top + 19, "text-anchor": "end" }, row));
    columns.forEach((column, j) => {
      const p = values[i][j];
      const group = s("g", { class: "cell", click: () => pick(i, j) });
      group.append(s("title", {}, `${x} ${column}, ${y} ${row}: P ${p === undefined ? "not computed" : chanceText(p)}`));
      group.append(s("rect", {
        class: p === undefined ? "empty" : `shade shade${Math.min(9, Math.floor(p * 10))}${p >= 0.975 ? " settled" : ""}`,
        x: left + j * cell, y: top, width: cell - 2, height: height - 2,
      }));
      const dark = p !== undefined && p >= 0.6;
      group.append(s("text", { class: dark ? "on" : "", x: left + (j + 0.5) * cell - 1, y: top + 19, "text-anchor": "middle" }, p === undefined ? "" : probabilityText(p)));
      if (chosen[0] === i && chosen[1] === j) {
        group.append(s("rect", { class: "chosen", x: left + j * cell, y: top, width: cell - 2, height: height - 2 }));
      }
      picture.append(group);
    });
  });
  columns.forEach((column, j) => {
    picture.append(s("text", { class: "axis", x: left + (j + 0.5) * cell, y: bottom + 14, "text-anchor": "middle" }, column));
  });
  picture.append(s("text", { class: "axis", x: left, y: bottom + 31 }, x));
  return picture;
}

/**
 * A density with its 95 % and 50 % intervals, and an observed value.
 * @param {{points: number[][], quantiles: number[], observed?: number, width: number, label: string, axis: string}} options
 */
export function density({ points, quantiles, observed, width, label, axis }) {
  const values = points.map((point) => point[0]);
  const low = Math.min(values[0], observed ?? Infinity);
  const high = Math.max(values[values.length - 1], observed ?? -Infinity);
  const top = Math.max(...points.map((point) => point[1]));
  const bottom = 110;
  const x = (/** @type {number} */ value) => 8 + ((value - low) / (high - low)) * (width - 16);
  const y = (/** @type {number} */ value) => bottom - 4 - (value / top) * (bottom - 16);
  const path = (/** @type {number[][]} */ part) => part.map((point, i) => `${i ? "L" : "M"}${x(point[0]).toFixed(1)} ${y(point[1]).toFixed(1)}`).join("");
  const area = (/** @type {number} */ from, /** @type {number} */ to) => {
    const part = points.filter((point) => point[0] >= from && point[0] <= to);
    return part.length ? `${path(part)}L${x(part[part.length - 1][0]).toFixed(1)} ${bottom - 4}L${x(part[0][0]).toFixed(1)} ${bottom - 4}Z` : "";
  };
  const picture = s("svg", { viewBox: `0 0 ${width} ${bottom + 34}`, width, height: bottom + 34, role: "img", "aria-label": label },
    s("path", { class: "most", d: area(quantiles[0], quantiles[4]) }),
    s("path", { class: "half", d: area(quantiles[1], quantiles[3]) }),
    s("path", { class: "curve", d: path(points) }));
  if (observed !== undefined) picture.append(s("line", { class: "observed", x1: x(observed), x2: x(observed), y1: 6, y2: bottom }));
  picture.append(axisOf(low, high, x, bottom, width / 70));
  picture.append(s("text", { class: "axis", x: 8, y: bottom + 31 }, axis));
  return picture;
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
  return h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": caption },
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
