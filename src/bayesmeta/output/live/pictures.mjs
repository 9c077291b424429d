// @ts-check
/** A map of probabilities, and a density, in SVG. */
import { floor, max, maximum, min } from "./engine/numbers.mjs";
import { box, line, picture, s, text } from "./elements.mjs";
import { axisOf } from "./forest.mjs";
import { chanceText, probabilityText } from "./texts.mjs";
import { isSettled } from "./words.mjs";

/**
 * Draw a map: columns by rows of probabilities; a cell that is not computed yet is empty.
 * @param {object} options
 * @param {string[]} options.columns
 * @param {string[]} options.rows
 * @param {(number | undefined)[][]} options.values
 * @param {number[]} options.chosen row and column; empty if the settings are in no cell
 * @param {number} options.width
 * @param {string} options.label
 * @param {string} options.x
 * @param {string} options.y
 * @param {(row: number, column: number) => void} options.pick called by a click
 */
export function heatMap({ columns, rows, values, chosen, width, label, x, y, pick }) {
  const left = 58;
  const cell = (width - left - 6) / columns.length;
  const height = 30;
  const bottom = 18 + rows.length * height;
  const drawn = picture(width, bottom + 36, label);
  drawn.append(text("axis", 4, 12, y, "start"), text("axis", left, bottom + 31, x, "start"));
  columns.forEach((column, j) => drawn.append(text("axis", left + (j + 0.5) * cell, bottom + 14, column)));
  rows.forEach((row, i) => {
    const top = 18 + i * height;
    drawn.append(text("axis", left - 8, top + 19, row, "end"));
    columns.forEach((column, j) => {
      const p = values[i][j];
      const draw = (/** @type {string} */ kind) => box(kind, left + j * cell, top, cell - 2, height - 2);
      const group = s("g", { class: "cell", click: () => pick(i, j) });
      group.append(s("title", {}, `${x} ${column}, ${y} ${row}: P ${p === undefined ? "not computed" : chanceText(p)}`));
      if (p === undefined) {
        group.append(draw("empty"));
      } else {
        const shade = draw(`shade shade${min(9, floor(p * 10))}${isSettled(p) ? " settled" : ""}`);
        group.append(shade, text(p >= 0.6 ? "on" : "", left + (j + 0.5) * cell - 1, top + 19, probabilityText(p)));
      }
      if (chosen[0] === i && chosen[1] === j) group.append(draw("chosen"));
      drawn.append(group);
    });
  });
  return drawn;
}

/**
 * Draw a density with its 95 % and 50 % intervals, and an observed value.
 * @param {{points: number[][], quantiles: number[], observed?: number, width: number, label: string, axis: string}} options
 */
export function density({ points, quantiles, observed, width, label, axis }) {
  const low = min(points[0][0], observed ?? Infinity);
  const high = max(points[points.length - 1][0], observed ?? -Infinity);
  const top = maximum(points.map((point) => point[1]));
  const bottom = 110;
  const x = (/** @type {number} */ value) => 8 + ((value - low) / (high - low)) * (width - 16);
  const y = (/** @type {number} */ value) => bottom - 4 - (value / top) * (bottom - 16);
  const path = (/** @type {number[][]} */ of) =>
    of.map(([at, height], i) => `${i ? "L" : "M"}${x(at).toFixed(1)} ${y(height).toFixed(1)}`).join("");
  const area = (/** @type {number} */ from, /** @type {number} */ to) => {
    const within = points.filter(([at]) => at >= from && at <= to);
    return within.length ? path([[within[0][0], 0], ...within, [within[within.length - 1][0], 0]]) : "";
  };
  const drawn = picture(width, bottom + 34, label);
  const draw = (/** @type {string} */ kind, /** @type {string} */ d) => drawn.append(s("path", { class: kind, d }));
  draw("most", area(quantiles[0], quantiles[4]));
  draw("half", area(quantiles[1], quantiles[3]));
  draw("curve", path(points));
  if (observed !== undefined) drawn.append(line("observed", x(observed), 6, x(observed), bottom));
  drawn.append(axisOf(low, high, x, bottom, width / 70), text("axis", 8, bottom + 31, axis, "start"));
  return drawn;
}
