// @ts-check
/** The page: one state, which controls change, and from which sentences and pictures are drawn. */
import { abs, max } from "./engine/numbers.mjs";
import { calculator, serve } from "./calculator.mjs";
import { button, part, show, tellError, widthOf } from "./controls.mjs";
import { h } from "./elements.mjs";
import { newStudyForm } from "./new_study.mjs";
import { answerParts, heterogeneityParts, meansParts, stripParts } from "./results.mjs";
import { robustnessTools } from "./robustness.mjs";
import { settingsPanel } from "./settings.mjs";
import { analysisOf, changesOf, contentOf, fragmentOf, stateOf } from "./state.mjs";
import { studiesPart } from "./studies.mjs";

/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./answers.mjs").Summary} Summary */

const LONGEST_FRAME = 100; // ms to wait for a frame; a page in the background has none
const MOST_UNDONE = 200; // changes that are remembered
const SAME = 1e-4; // posterior sds, within which the page repeats Python

/**
 * Compare the summary of the report's settings with that of Python, and say how far they differ.
 * @param {Summary} summary
 * @param {{mean: number[], sd: number[], ci_lb: number[], ci_ub: number[]}} reference
 */
function compareWithPython({ rows }, { mean, sd, ci_lb, ci_ub }) {
  const shifts = rows.flatMap((row, at) =>
    [row.mean - mean[at], row.sd - sd[at], row.quantiles[0] - ci_lb[at], row.quantiles[2] - ci_ub[at]].map((shift) => abs(shift / sd[at])));
  const largest = max(...shifts);
  part("reproduced").dataset.largest = String(largest);
  show("reproduced", largest < SAME
    ? `The script of this page repeats the exact summaries of bayesmeta: the largest difference is ${largest.toExponential(0)} posterior sds.`
    : `Warning: the script of this page differs from the exact summaries of bayesmeta by ${largest.toPrecision(2)} posterior sds. Please report this.`);
}

/** Wait until what has been drawn is on the screen. */
const painted = () => new Promise((resolve) => {
  setTimeout(resolve, LONGEST_FRAME);
  requestAnimationFrame(() => { setTimeout(resolve, 0); });
});

/** Copy the link. */
async function copyLink() {
  const link = /** @type {HTMLInputElement} */ (part("link"));
  link.select();
  let done = true;
  try {
    await navigator.clipboard.writeText(link.value);
  } catch {
    done = document.execCommand("copy");
  }
  show("copied", done ? "The link is copied." : "Copy the selected link.");
}

/** Show a link in the address of the page. @param {string} fragment */
function showFragment(fragment) {
  try {
    window.history.replaceState(null, "", fragment || location.pathname + location.search);
  } catch {
    location.hash = fragment;
  }
  /** @type {HTMLInputElement} */ (part("link")).value = location.href.replace(/#.*$/, "") + fragment;
}

/** Build the page. */
function start() {
  const content = contentOf(JSON.parse(part("data").textContent ?? ""));
  const { payload, report } = content;
  const ask = calculator();
  /** @type {State[]} */
  const past = [];
  /** @type {(() => void)[]} */
  const controls = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {Summary | undefined} */
  let before;
  /** @type {Summary | undefined} */
  let now;
  let state = stateOf(location.hash, content);
  let turn = 0;

  const refresh = () => {
    for (const sync of controls) sync();
    clearTimeout(timer);
    timer = setTimeout(compute, 0);
  };
  /** @param {Partial<State>} changes */
  const change = (changes) => {
    past.push(state);
    if (past.length > MOST_UNDONE) past.shift();
    state = { ...state, ...changes };
    refresh();
  };
  const undo = () => {
    state = past.pop() ?? state;
    refresh();
  };
  const compute = async () => {
    turn += 1;
    const mine = turn;
    const isReport = Object.keys(changesOf({ ...state, conclusion: report.conclusion }, report)).length === 0;
    part("results").setAttribute("aria-busy", "true");
    try {
      if (!before) {
        before = /** @type {Summary} */ (await ask("summary", analysisOf(content, report)));
        compareWithPython(before, payload.reference);
      }
      const summary = isReport ? before : await ask("summary", analysisOf(content, state));
      if (mine !== turn) return;
      now = summary;
      drawAnswer();
    } catch (error) {
      if (mine !== turn) return;
      now = undefined;
      tellError("answer", error);
    }
    await painted(); // the answer first
    if (mine !== turn) return;
    showFragment(fragmentOf(state, report));
    drawRest();
    part("results").setAttribute("aria-busy", "false");
  };
  const draw = () => {
    drawAnswer();
    drawRest();
  };
  const drawAnswer = () => {
    if (!now || !before) return;
    const shown = { content, state, now, before };
    const [ofMeans, ofTaus] = ["means", "heterogeneity"].map(widthOf); // read before the page changes
    show("answer", ...answerParts(shown));
    show("strip", ...stripParts(shown));
    show("means", ...meansParts(shown, ofMeans));
    show("heterogeneity", ...heterogeneityParts(shown, ofTaus));
  };
  const drawRest = () => {
    if (!now) return;
    show("deletion");
    show("map");
    drawStudies();
    predict();
  };

  const page = { content, ask, change, controls, state: () => state, turn: () => turn, ready: () => now !== undefined };
  const undoButton = button("Undo", undo);
  const resetButton = button("Reset", () => change(report));
  controls.push(() => {
    undoButton.disabled = past.length === 0;
    resetButton.disabled = Object.keys(changesOf(state, report)).length === 0;
  });
  show("actions", undoButton, resetButton, button("Copy link", () => { showFragment(fragmentOf(state, report)); copyLink(); }),
    h("input", { id: "link", type: "text", readonly: true, "aria-label": "Link that carries the settings" }), h("span", { id: "copied", role: "status" }));
  settingsPanel(page);
  robustnessTools(page);
  const drawStudies = studiesPart(page);
  const predict = newStudyForm(page);

  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement && event.target.type !== "checkbox";
    if (typing || !(event.ctrlKey || event.metaKey) || event.key !== "z") return;
    event.preventDefault();
    undo();
  });
  window.addEventListener("hashchange", () => {
    const next = stateOf(location.hash, content);
    if (JSON.stringify(next) !== JSON.stringify(state)) change(next);
  });
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return; // a keyboard on a phone changes the height only
    width = window.innerWidth;
    draw();
  });
  for (const element of document.querySelectorAll("[data-live]")) element.removeAttribute("hidden");
  for (const element of document.querySelectorAll("[data-static]")) element.setAttribute("hidden", "");
  if (window.matchMedia("(max-width: 59.99rem)").matches) part("panel").querySelector("details")?.removeAttribute("open");
  refresh();
}

if (typeof document === "undefined") serve();
else start();
