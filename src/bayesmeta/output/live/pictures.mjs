// @ts-check
/** A map of probabilities, and a density, in SVG. */
import { floor, max, min } from "./engine/numbers.mjs";
import { s } from "./elements.mjs";
import { axisOf } from "./forest.mjs";
import { chanceText, probabilityText } from "./texts.mjs";

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
        class: p === undefined ? "empty" : `shade shade${min(9, floor(p * 10))}${p >= 0.975 ? " settled" : ""}`,
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
  const low = min(values[0], observed ?? Infinity);
  const high = max(values[values.length - 1], observed ?? -Infinity);
  const top = max(...points.map((point) => point[1]));
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
