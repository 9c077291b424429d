// @ts-check
/** The page: one state, which controls change, and from which sentences and pictures are drawn. */
import { abs, max } from "./engine/numbers.mjs";
import { calculator, serve } from "./calculator.mjs";
import { errorText, field, on, part, show, widthOf } from "./controls.mjs";
import { h } from "./elements.mjs";
import { newStudyForm } from "./new_study.mjs";
import { answerParts, showHeterogeneity, showMeans, stripParts } from "./results.mjs";
import { robustnessTools } from "./robustness.mjs";
import { settingsPanel } from "./settings.mjs";
import { analysisOf, contentOf, equal, fragmentOf, stateOf } from "./state.mjs";
import { studiesPart } from "./studies.mjs";

/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./answers.mjs").Summary} Summary */

const LONGEST_FRAME = 100; // ms to wait for a frame; a page in the background has none
const MOST_UNDONE = 200; // changes that are remembered
const SAME = 1e-4; // posterior sds, within which the page repeats Python

/**
 * Compare the summary of the report's settings with that of Python, and show how far they differ.
 * @param {Summary} summary
 * @param {{mean: number[], sd: number[], ci_lb: number[], ci_ub: number[]}} reference
 */
function compareWithPython({ rows }, { mean, sd, ci_lb, ci_ub }) {
  const shifts = rows.flatMap((row, at) =>
    [row.mean - mean[at], row.sd - sd[at], row.quantiles[0] - ci_lb[at], row.quantiles[2] - ci_ub[at]].map((shift) => abs(shift / sd[at])));
  const largest = max(...shifts);
  const sentence = part(largest < SAME ? "reproduced" : "differs");
  part("reproduced").dataset.largest = String(largest);
  sentence.hidden = false;
  /** @type {HTMLElement} */ (sentence.querySelector("span")).textContent = largest.toExponential(0);
}

/** Wait until what is drawn is on the screen. */
const painted = () => new Promise((resolve) => {
  setTimeout(resolve, LONGEST_FRAME);
  requestAnimationFrame(() => { setTimeout(resolve, 0); });
});

/** Copy the link. */
async function copyLink() {
  const link = field("link");
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
  field("link").value = location.href.replace(/#.*$/, "") + fragment;
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
    const isReport = equal({ ...state, conclusion: report.conclusion }, report);
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
      show("answer", h("p", { class: "note" }, errorText(error)));
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
    const [ofMeans, ofTaus] = ["means", "heterogeneity"].map((id) => widthOf(id)); // read before the page changes
    show("answer", ...answerParts(shown));
    show("strip", ...stripParts(shown));
    showMeans(shown, ofMeans);
    showHeterogeneity(shown, ofTaus);
  };
  const drawRest = () => {
    if (!now) return;
    for (const id of ["ranking", "deletion", "mapping"]) show(id);
    part("map").hidden = true;
    drawStudies();
    predict();
  };

  const summaries = () => (now && before ? [...new Set([before, now])] : []);

  const page = { content, ask, change, controls, state: () => state, turn: () => turn, summaries };
  on("undo", "click", undo);
  on("reset", "click", () => change(report));
  on("copy", "click", () => {
    showFragment(fragmentOf(state, report));
    copyLink();
  });
  controls.push(() => {
    field("undo").disabled = past.length === 0;
    field("reset").disabled = equal(state, report);
  });
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
    if (!equal(next, state)) change(next);
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
