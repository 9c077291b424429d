// @ts-check
/** A funnel: effects against their standard errors, around the means that the conclusion is about. */
import { max, min, sqrt } from "./engine/numbers.mjs";
import { on, part, show, widthOf } from "./controls.mjs";
import { weightsOf } from "./data.mjs";
import { line, picture, s, text } from "./elements.mjs";
import { Z, axisOf, rangeOf } from "./forest.mjs";
import { tableAsSet } from "./state.mjs";
import { numberText, ticksOf } from "./texts.mjs";

/** @typedef {{i: number, s: number, yi: number, se: number}} Point number of the effect, and of its study */

const MOST_POINTS = 3000; // of the studies that are listed
const DENSE = 300; // points, above which they are smaller
const TOP = 18;
const BOTTOM = 340; // px
const LEFT = 42;
/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/**
 * Connect the funnel; return the function that draws it: effects of the listed studies, which of all
 * effects count, and whether the list or the effects have changed.
 * @param {import("./controls.mjs").Page} page
 * @param {(s: number) => void} toggle
 */
export function funnelPart({ content, state, summaries }, toggle) {
  const { table: { group, study, terms, x: design }, payload, combinations } = content;
  const { axis, hasNull } = payload.measure;
  /** @type {Point[]} */
  let points = [];
  /** @type {any[]} */
  let dots = [];
  const [regions, lines] = [s("g"), s("g")];
  let x = (/** @type {number} */ value) => value;
  let y = x;
  let low = 0;
  let high = 0;
  let deepest = 0;
  const dotOf = (/** @type {string} */ label, /** @type {number} */ yi, /** @type {number} */ se, /** @type {object} */ more) =>
    s("circle", { cx: x(yi), cy: y(se), r: points.length > DENSE ? 3 : 4, ...more }, s("title", {}, `${label}: ${numberText(yi)}, standard error ${numberText(se)}`));
  const press = (/** @type {any} */ event) => {
    const at = dots.indexOf(event.target);
    const next = dots[at + (STEPS[event.key] ?? NaN)];
    const pressed = event.type === "click" || event.key === "Enter" || event.key === " ";
    if (at < 0 || !(next || pressed)) return;
    event.preventDefault();
    if (pressed) toggle(points[at].s);
    else next.focus();
  };
  const stopAt = (/** @type {any} */ { target }) => { // a single stop of Tab
    for (const dot of dots) if (dot.tabIndex === 0) dot.tabIndex = -1;
    target.tabIndex = 0;
  };
  on("funnel", "click", press);
  on("funnel", "keydown", press);
  on("funnel", "focusin", stopAt);
  const redraw = (/** @type {Set<number>} */ listed) => {
    const { yi, vi } = tableAsSet(content, state());
    const all = [...yi.keys()].filter((i) => listed.has(study[group[i]]));
    points = all.slice(0, MOST_POINTS).map((i) => ({ i, s: study[group[i]], yi: yi[i], se: sqrt(vi[i]) })).sort((a, b) => a.yi - b.yi);
    [low, high] = rangeOf(points.map((point) => point.yi), hasNull ? [0] : []);
    deepest = rangeOf(points.map(({ se }) => se), [0])[1];
    const width = widthOf("studies");
    x = (value) => LEFT + ((min(max(value, low), high) - low) / (high - low)) * (width - LEFT - 12);
    y = (se) => TOP + min(se / deepest, 1) * (BOTTOM - TOP);
    dots = points.map(({ s, yi, se }) => dotOf(payload.labels[s], yi, se, { role: "checkbox", tabindex: -1 }));
    if (dots.length) dots[0].tabIndex = 0;
    const drawn = picture(width, BOTTOM + 34, "Effects against standard errors");
    drawn.role = "group";
    const { ticks, digits } = ticksOf(0, deepest, 6);
    const beyond = points.filter((point) => point.yi < low || point.yi > high || point.se > deepest).length;
    drawn.append(regions, ...(hasNull ? [line("zero", x(0), TOP, x(0), BOTTOM)] : []), ...dots, lines,
      ...ticks.map((tick) => text("axis", LEFT - 6, y(tick) + 4, numberText(tick, digits), "end")),
      text("axis", 4, 10, "standard error", "start"), axisOf(low, high, x, BOTTOM, width / 80), text("axis", LEFT, BOTTOM + 31, axis, "start"));
    show("funnel", drawn);
    [points, all, { length: beyond }].forEach(({ length }, at) => { part("funnel-note").children[at].textContent = String(length); });
  };
  const regionOf = (/** @type {number} */ mean) => {
    const [left, right] = [mean - low, high - mean].map((room) => min(deepest, room / Z));
    const d = `M${x(mean)} ${TOP}L${x(mean + Z * right)} ${y(right)}V${BOTTOM}H${x(mean - Z * left)}V${y(left)}Z`;
    return s("path", { class: "region", d });
  };
  return (/** @type {number[]} */ listed, /** @type {Uint8Array} */ kept, /** @type {boolean} */ isNew) => {
    if (isNew) redraw(new Set(listed));
    const weights = weightsOf(terms, combinations, state().conclusion.at);
    const means = [...weights.keys()].filter((j) => payload.means[j]);
    const chosen = means.filter((j) => weights[j]);
    const about = chosen.length ? chosen : means;
    const shown = summaries().map(({ rows }) => about.map((j) => ({ name: payload.names[j], mean: rows[j].mean }))
      .filter(({ mean }) => mean >= low && mean <= high).sort((a, b) => a.mean - b.mean));
    const asSet = shown.at(-1) ?? [];
    regions.replaceChildren(...asSet.map(({ mean }) => regionOf(mean)));
    show("funnel-lines", asSet.map(({ name, mean }) => `${name} (${numberText(mean)})`).join("; "));
    lines.replaceChildren(
      ...shown.flatMap((means, at) => means.map(({ mean }) => line(`interval ${at ? "yours" : "report"}`, x(mean), TOP, x(mean), BOTTOM))),
      ...state().added.map(({ label, yi, vi }) => dotOf(label, yi, sqrt(vi), { class: "dot yours" })));
    const out = new Set(state().out);
    points.forEach(({ i, s }, at) => {
      const other = about.length && about.every((j) => !design[i * terms + j]);
      const kind = `dot${kept[i] ? "" : " out"}${other ? " other" : ""}`;
      const dot = dots[at];
      if (dot.getAttribute("class") !== kind) dot.setAttribute("class", kind);
      dot.ariaChecked = !out.has(s);
    });
  };
}
