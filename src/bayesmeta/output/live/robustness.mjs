// @ts-check
/** Who changes the chosen conclusion, and its map over prior scales and rho. */
import { abs, log, max, min } from "./engine/numbers.mjs";
import { button, show, tell, tellError, widthOf } from "./controls.mjs";
import { folding, h, textTable } from "./elements.mjs";
import { heatMap } from "./pictures.mjs";
import { AS_REPORTED, analysisOf, parametersOf } from "./state.mjs";
import { numberText, probabilityText } from "./texts.mjs";
import { eventText, rankingText } from "./words.mjs";

/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./controls.mjs").Page} Page */

const RHOS = [0, 0.2, 0.4, 0.6, 0.8];
const FACTORS = [0.25, 0.5, 1, 2, 4];
const MOST_RANKED = 25;
const NEAREST = 1e-6; // to 0 or 1: closer probabilities are ranked as equal

/** @param {Page} page @param {State} state */
const analysisAbout = ({ content }, state) => ({ ...analysisOf(content, state), conclusion: state.conclusion });

/** @param {number} p */
function logit(p) {
  const inside = min(max(p, NEAREST), 1 - NEAREST);
  return log(inside / (1 - inside));
}

/**
 * Rank the studies by the change of the chosen conclusion without them.
 * @param {Page} page
 */
async function rank(page) {
  const mine = page.turn();
  const asked = page.state();
  const { names, payload } = page.content;
  tell("deletion", "Leaving out every study ...");
  try {
    const { p, mean, p0, mean0, sd0 } = await page.ask("deletion", analysisAbout(page, asked));
    if (mine !== page.turn()) return;
    const change = (/** @type {{p: number}} */ row) => abs(logit(row.p) - logit(p0));
    const ranked = [...payload.labels, ...asked.added.map(({ label }) => label)]
      .map((label, s) => ({ label, p: p[s], mean: mean[s], shift: (mean[s] - mean0) / sd0 }))
      .filter((row) => !Number.isNaN(row.p))
      .sort((a, b) => change(b) - change(a) || abs(b.shift) - abs(a.shift));
    const event = eventText(asked.conclusion, names, asked.rope);
    const columns = ["left out", event, `mean of ${names[asked.conclusion.at]}`, "shift (posterior sds)"];
    const rows = ranked.slice(0, MOST_RANKED).map((row) => [row.label, probabilityText(row.p), numberText(row.mean, 3), numberText(row.shift)]);
    show("deletion", h("p", { role: "status" }, rankingText(event, p0, ranked)), textTable("Without every study, the largest changes first", columns, rows));
  } catch (error) {
    if (mine === page.turn()) tellError("deletion", error);
  }
}

/**
 * The prior of the report with its scale times a factor: of the means, or of the taus.
 * @param {State} report
 * @param {string} varied
 * @param {number} factor
 * @returns {Partial<State>}
 */
function scaledPrior(report, varied, factor) {
  if (varied === "means") return { scale: factor * report.scale };
  const kinds = parametersOf(report.family);
  const ofLogs = kinds.includes("mean"); // whose scale is not that of the tau
  const scaled = (/** @type {number} */ value, /** @type {string} */ kind) => {
    if (ofLogs) return kind === "mean" ? value + log(factor) : value;
    if (kind === "rate") return value / factor;
    return ["scale", "low", "high"].includes(kind) ? factor * value : value;
  };
  return { family: report.family, parameters: report.parameters.map((value, i) => scaled(value, kinds[i])) };
}

/**
 * Compute the map, row by row.
 * @param {Page} page
 * @param {string} varied
 */
async function drawMap(page, varied) {
  const mine = page.turn();
  const asked = page.state();
  const { names, report } = page.content;
  /** @type {(number | undefined)[][]} */
  const values = RHOS.map(() => FACTORS.map(() => undefined));
  const changes = (/** @type {number} */ i, /** @type {number} */ j) => ({ rho: RHOS[i], rhoPrior: [], ...scaledPrior(report, varied, FACTORS[j]) });
  const isChosen = (/** @type {number} */ i, /** @type {number} */ j) => Object.entries(changes(i, j))
    .every(([key, value]) => JSON.stringify(asked[/** @type {keyof State} */ (key)]) === JSON.stringify(value));
  const places = RHOS.flatMap((_, i) => FACTORS.map((__, j) => [i, j]));
  const event = eventText(asked.conclusion, names, asked.rope);
  const columns = FACTORS.map((factor) => `\u00d7 ${factor}`);
  const label = `${event} by prior scale and rho`;
  const redraw = (/** @type {string} */ sentence) => {
    const picture = heatMap({
      columns, rows: RHOS.map(String), values, label, y: "rho",
      x: `scale of the prior of the ${varied}, times that of the report`,
      chosen: places.find(([i, j]) => isChosen(i, j)) ?? [-1, -1],
      width: min(widthOf("map"), 640),
      pick: (i, j) => page.change(changes(i, j)),
    });
    const cells = RHOS.map((rho, i) => [String(rho), ...values[i].map((p, j) => (p === undefined ? "" : button(probabilityText(p), () => page.change(changes(i, j)))))]);
    show("map", h("p", { role: "status" }, sentence), h("figure", {}, picture), folding("The same as a table", textTable(label, ["rho", ...columns], cells), "map"));
  };
  try {
    for (const [i, j] of places) {
      values[i][j] = await page.ask("cell", analysisAbout(page, { ...asked, ...changes(i, j) }));
      if (mine !== page.turn()) return;
      if (j === FACTORS.length - 1) redraw("Computing the map ...");
    }
    const flat = /** @type {number[]} */ (values.flat());
    const held = flat.filter((p) => p >= 0.975).length;
    const range = `it goes from ${probabilityText(min(...flat))} to ${probabilityText(max(...flat))}`;
    redraw(`${event} is at least .975 in ${held} of ${flat.length} combinations; ${range}. A click on a cell, here or in the table, takes its settings.`);
  } catch (error) {
    if (mine === page.turn()) tellError("map", error);
  }
}

/**
 * Place the tools.
 * @param {Page} page
 */
export function robustnessTools(page) {
  const varied = h("select", { "aria-label": "Prior that the map varies" },
    ...["means", ...(page.content.report.family === AS_REPORTED ? [] : ["taus"])].map((of) => h("option", { value: of }, `prior of the ${of}`)));
  show("deletion-tools", button("Who changes this conclusion?", () => { rank(page); }));
  show("map-tools", varied, button("Draw the map", () => { drawMap(page, varied.value); }));
}
