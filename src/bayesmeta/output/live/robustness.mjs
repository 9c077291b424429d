// @ts-check
/** Who changes the chosen conclusion, and its map over prior scales and rho. */
import { abs, isNaN, log, max, min } from "./engine/numbers.mjs";
import { button, errorText, field, on, part, show, widthOf } from "./controls.mjs";
import { textTable } from "./elements.mjs";
import { FAMILIES } from "./engine/families.mjs";
import { heatMap } from "./pictures.mjs";
import { analysisOf, equal } from "./state.mjs";
import { numberText, probabilityText } from "./texts.mjs";
import { eventText, isSettled, rankingText } from "./words.mjs";

/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./controls.mjs").Page} Page */

const RHOS = [0, 0.2, 0.4, 0.6, 0.8];
const FACTORS = [0.25, 0.5, 1, 2, 4];
const MOST_RANKED = 25;
const NEAREST = 1e-6; // to 0 or 1: closer probabilities are ranked as equal

/** Return an analysis with the chosen conclusion. @param {Page} page @param {State} state */
const analysisAbout = ({ content }, state) => ({ ...analysisOf(content, state), conclusion: state.conclusion });

/** Return the log odds. @param {number} p */
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
  show("ranking", "Leaving out every study ...");
  try {
    const { p, mean, p0, mean0, sd0 } = await page.ask("deletion", analysisAbout(page, asked));
    if (mine !== page.turn()) return;
    const change = (/** @type {{p: number}} */ row) => abs(logit(row.p) - logit(p0));
    const ranked = [...payload.labels, ...asked.added.map(({ label }) => label)]
      .map((label, s) => ({ label, p: p[s], mean: mean[s], shift: (mean[s] - mean0) / sd0 }))
      .filter((row) => !isNaN(row.p))
      .sort((a, b) => change(b) - change(a) || abs(b.shift) - abs(a.shift));
    const event = eventText(asked.conclusion, names, asked.rope);
    const columns = ["left out", event, `mean of ${names[asked.conclusion.at]}`, "shift (posterior sds)"];
    const cells = ranked.slice(0, MOST_RANKED).map((row) => [row.label, probabilityText(row.p), numberText(row.mean, 3), numberText(row.shift)]);
    show("ranking", rankingText(event, p0, ranked));
    show("deletion", textTable("Without every study, the largest changes first", columns, cells));
  } catch (error) {
    if (mine === page.turn()) show("ranking", errorText(error));
  }
}

/**
 * Return the prior of the report with its scale times a factor: of the means, or of the taus.
 * @param {State} report
 * @param {string} varied
 * @param {number} factor
 * @returns {Partial<State>}
 */
function scaledPrior(report, varied, factor) {
  if (varied === "means") return { scale: factor * report.scale };
  const kinds = FAMILIES[report.family].parameters;
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
 */
async function drawMap(page) {
  const mine = page.turn();
  const asked = page.state();
  const varied = field("varied").value;
  const { names, report } = page.content;
  /** @type {(number | undefined)[][]} */
  const values = RHOS.map(() => FACTORS.map(() => undefined));
  const changes = (/** @type {number} */ i, /** @type {number} */ j) =>
    ({ rho: RHOS[i], rhoPrior: [], ...scaledPrior(report, varied, FACTORS[j]) });
  const places = RHOS.flatMap((_, i) => FACTORS.map((__, j) => [i, j]));
  const chosen = places.find(([i, j]) => equal({ ...asked, ...changes(i, j) }, asked)) ?? [];
  const event = eventText(asked.conclusion, names, asked.rope);
  const columns = FACTORS.map((factor) => `\u00d7 ${factor}`);
  const label = `${event} by prior scale and rho`;
  const pick = (/** @type {number} */ i, /** @type {number} */ j) => page.change(changes(i, j));
  const draw = (/** @type {string} */ sentence) => {
    part("map").hidden = false;
    show("mapping", sentence);
    show("map-picture", heatMap({
      columns, rows: RHOS.map(String), values, label, chosen, pick, y: "rho",
      x: `scale of the prior of the ${varied}, times that of the report`, width: widthOf("map", 640),
    }));
    const cell = (/** @type {number | undefined} */ p, /** @type {number} */ i, /** @type {number} */ j) =>
      (p === undefined ? "" : button(probabilityText(p), () => pick(i, j)));
    const cells = RHOS.map((rho, i) => [String(rho), ...values[i].map((p, j) => cell(p, i, j))]);
    show("map-table", textTable(label, ["rho", ...columns], cells));
  };
  try {
    for (const [i, j] of places) {
      values[i][j] = await page.ask("cell", analysisAbout(page, { ...asked, ...changes(i, j) }));
      if (mine !== page.turn()) return;
      if (j === FACTORS.length - 1) draw("Computing the map ...");
    }
    const flat = /** @type {number[]} */ (values.flat());
    const range = `it goes from ${probabilityText(min(...flat))} to ${probabilityText(max(...flat))}`;
    const settled = `${event} is at least .975 in ${flat.filter(isSettled).length} of ${flat.length} combinations`;
    draw(`${settled}; ${range}. A click on a cell, here or in the table, takes its settings.`);
  } catch (error) {
    if (mine === page.turn()) show("mapping", errorText(error));
  }
}

/**
 * Connect the tools.
 * @param {Page} page
 */
export function robustnessTools(page) {
  on("rank", "click", () => { rank(page); });
  on("draw-map", "click", () => { drawMap(page); });
}
