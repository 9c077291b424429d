// @ts-check
/** The page: controls on one side, pictures and sentences on the other, both from one state. */
import { BadInput, FAMILIES, logGamma } from "./engine.mjs";
import { floatsOf } from "./data.mjs";
import { answer, probabilityOf } from "./answers.mjs";
import { chanceText, density, estimateText, forest, h, heatMap, intervalText, numberText, probabilityText, textTable } from "./drawing.mjs";
import { KINDS, LEVEL_NAMES, analysisOf, changesOf, contentOf, fragmentOf, hedges, keptEffects, parametersOf, stateOf } from "./state.mjs";
import { answerText, changeText, eventText, predictionText, settingsText } from "./words.mjs";

/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./state.mjs").Moderator} Moderator */
/** @typedef {import("./answers.mjs").Summary} Summary */
/** @typedef {import("./drawing.mjs").Mark} Mark */

const LARGE = 5000; // effects, above which a worker computes; it also computes with three taus
const WAIT = 60; // ms between a change and the computation
const MOST_ROWS = 400; // studies in a list; the others are found by their names
const RHOS = [0, 0.2, 0.4, 0.6, 0.8];
const FACTORS = [0.25, 0.5, 1, 2, 4];
const KIND_WORDS = {
  positive: "is above 0",
  negative: "is below 0",
  above: "is above the region of practical equivalence",
  below: "is below the region of practical equivalence",
  inside: "is inside the region of practical equivalence",
};

/**
 * Ask the engine: here, or about a large table or three taus in a worker made from the page's script.
 *
 * A new summary stops what the worker still computes for older settings.
 * @returns {(kind: string, request: any) => Promise<any>}
 */
function calculator() {
  const settle = (/** @type {{value?: any, refused?: string}} */ { value, refused }) => {
    if (refused !== undefined) throw new BadInput(refused);
    return value;
  };
  const here = (/** @type {string} */ kind, /** @type {any} */ request) =>
    new Promise((resolve) => { setTimeout(() => resolve(answer(kind, request)), 0); }).then(settle);
  const script = document.getElementById("script")?.textContent;
  /** @type {Worker | undefined} */
  let worker;
  let failed = !script || typeof Worker === "undefined";
  let count = 0;
  /** @type {Map<number, {kind: string, request: any, resolve: (value: any) => void}>} */
  const waiting = new Map();
  const launch = () => {
    const started = new Worker(URL.createObjectURL(new Blob([script ?? ""], { type: "text/javascript" })));
    started.addEventListener("message", ({ data }) => { waiting.get(data.id)?.resolve(data); waiting.delete(data.id); });
    started.addEventListener("error", () => {
      failed = true;
      for (const { kind, request, resolve } of waiting.values()) resolve(answer(kind, request));
      waiting.clear();
    });
    return started;
  };
  return (kind, request) => {
    const heavy = request.table.yi.length > LARGE || request.model.levels.length > 2;
    if (!heavy || failed) return here(kind, request);
    if (kind === "summary" && waiting.size) {
      worker?.terminate();
      worker = undefined;
      for (const { resolve } of waiting.values()) resolve({ refused: "stopped, because the settings have changed" });
      waiting.clear();
    }
    try {
      worker ??= launch();
    } catch {
      failed = true;
      return here(kind, request);
    }
    count += 1;
    const id = count;
    return new Promise((resolve) => {
      waiting.set(id, { kind, request, resolve });
      worker?.postMessage({ id, kind, request });
    }).then(settle);
  };
}

/** Answer the questions of a page, in its worker. */
function serve() {
  self.addEventListener("message", ({ data }) => { self.postMessage({ id: data.id, ...answer(data.kind, data.request) }); });
}

/** Build the page. */
function start() {
  const text = /** @type {HTMLElement} */ (document.getElementById("data")).textContent;
  const content = contentOf(JSON.parse(text ?? ""));
  const { payload, table, names, report, moderators } = content;
  const ask = calculator();
  const terms = table.terms;
  const labels = /** @type {string[]} */ (payload.labels);
  /** @type {State} */
  let state = stateOf(location.hash, content);
  /** @type {State[]} */
  const history = [];
  /** @type {Summary | undefined} */
  let reported;
  /** @type {Summary | undefined} */
  let current;
  let turn = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {(() => void)[]} */
  const controls = []; // functions that show the state in a control

  const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
  const widthOf = (/** @type {HTMLElement} */ element) => Math.max(300, Math.min(element.clientWidth || 640, 980));
  const show = (/** @type {string} */ id, /** @type {(Node | string)[]} */ ...children) => part(id).replaceChildren(...children);

  // ------------------------------------------------------------------------------ state
  /** @param {Partial<State>} changes */
  const change = (changes) => {
    history.push(state);
    if (history.length > 200) history.shift();
    state = { ...state, ...changes };
    refresh();
  };
  const refresh = () => {
    for (const sync of controls) sync();
    const fragment = fragmentOf(state, report);
    try {
      window.history.replaceState(null, "", fragment || location.pathname + location.search);
    } catch {
      location.hash = fragment;
    }
    /** @type {HTMLInputElement} */ (part("link")).value = location.href.replace(/#.*$/, "") + fragment;
    clearTimeout(timer);
    timer = setTimeout(compute, WAIT);
  };
  const undo = () => {
    const before = history.pop();
    if (before) { state = before; refresh(); }
  };

  const compute = async () => {
    turn += 1;
    const mine = turn;
    part("results").setAttribute("aria-busy", "true");
    try {
      if (!reported) {
        reported = await ask("summary", analysisOf(content, report));
        compareWithPython(/** @type {Summary} */ (reported));
      }
      const summary = Object.keys(changesOf({ ...state, conclusion: report.conclusion }, report)).length
        ? await ask("summary", analysisOf(content, state)) : reported;
      if (mine !== turn) return;
      current = summary;
      draw();
    } catch (error) {
      if (mine !== turn) return;
      current = undefined;
      show("answer", `This cannot be computed: ${error instanceof Error ? error.message : error}. Undo the last change, or reset.`);
    } finally {
      if (mine === turn) part("results").setAttribute("aria-busy", "false");
    }
  };

  // ---------------------------------------------------------------------------- results
  const draw = () => {
    if (!current || !reported) return;
    drawAnswer(current, reported);
    drawMeans(current, reported);
    drawHeterogeneity(current, reported);
    drawStudies();
    show("deletion");
    show("map");
    predict();
  };

  const isChanged = () => current !== reported;

  const drawAnswer = (/** @type {Summary} */ now, /** @type {Summary} */ before) => {
    const kept = keptEffects(content, state);
    const studies = new Set();
    kept.forEach((keeps, i) => { if (keeps) studies.add(table.study[table.group[i]]); });
    const added = state.added.length ? `, and ${state.added.length} that you added,` : "";
    const counted = `${kept.reduce((sum, keeps) => sum + keeps, 0)} of ${kept.length} effects and ${studies.size} of ${table.studies} studies${added} are counted.`;
    const settings = settingsText(state, content);
    show("answer", ...answerText(now.rows, names, payload.measure.hasNull).map((sentence) => h("p", { class: "verdict-text" }, sentence)),
      h("p", {}, counted, " ", isChanged() ? changeText(now.rows, before.rows, names) : ""),
      h("p", { class: "note" }, settings.length ? `As you set it: ${settings.join("; ")}.` : "These are the settings of this report."),
      now.converged ? "" : h("p", { class: "note" }, `The stated error of the quadrature is ${now.error.toPrecision(1)} posterior sds.`));
    const { at, kind } = state.conclusion;
    const event = eventText(state.conclusion, names, state.rope);
    const published = payload.published[at];
    const cells = [
      published && ["as published", estimateText(published.estimate, published.ci_lb, published.ci_ub), "REML"],
      ["in this report", estimateText(before.rows[at].mean, before.rows[at].quantiles[0], before.rows[at].quantiles[2]),
        `P ${chanceText(state.rope === report.rope || kind === "positive" || kind === "negative" ? probabilityOf(before.rows[at], kind) : NaN)}`],
      ["as you set it", estimateText(now.rows[at].mean, now.rows[at].quantiles[0], now.rows[at].quantiles[2]), `P ${chanceText(probabilityOf(now.rows[at], kind))}`],
    ].filter(Boolean);
    show("strip", h("p", {}, `${names[at]}; ${event}:`), h("dl", { class: "strip" }, .../** @type {string[][]} */ (cells).map(([heading, value, p]) =>
      h("div", { class: heading.replaceAll(" ", "-") }, h("dt", {}, heading), h("dd", {}, value), h("dd", {}, p)))));
  };

  /** @param {import("./answers.mjs").Row} row @param {string} source @param {boolean} predicts @returns {Mark} */
  const markOf = (row, source, predicts) =>
    ({ mean: row.mean, low: row.quantiles[0], high: row.quantiles[2], prediction: predicts ? row.prediction : undefined, source });

  const drawMeans = (/** @type {Summary} */ now, /** @type {Summary} */ before) => {
    const rowsOf = (/** @type {number} */ from, /** @type {number} */ to) => names.slice(from, to).map((label, i) => {
      const at = from + i;
      const published = payload.published[at];
      /** @type {Mark[]} */
      const marks = [];
      if (published) marks.push({ mean: published.estimate, low: published.ci_lb, high: published.ci_ub, source: "published" });
      marks.push(markOf(before.rows[at], "report", at < terms));
      if (isChanged()) marks.push(markOf(now.rows[at], "yours", at < terms));
      const row = now.rows[at];
      return { label, marks, text: estimateText(row.mean, row.quantiles[0], row.quantiles[2]) };
    });
    const width = widthOf(part("means"));
    const options = { width, axis: payload.measure.axis, zero: payload.measure.hasNull, rope: state.rope };
    const contrasts = names.length > terms
      ? [h("h3", {}, "Contrasts"), h("figure", {}, forest(rowsOf(terms, names.length), { ...options, label: "Contrasts with 95 % intervals" }))] : [];
    const ratio = payload.measure.ratio;
    const columns = ["", "mean", "sd", "95 % interval", "P(> 0)", `P(within ${numberText(state.rope)} of 0)`, "new study", ...(ratio ? [ratio] : [])];
    const rows = names.map((name, at) => {
      const row = now.rows[at];
      const scaled = ratio ? [scaledText(at, row.quantiles)] : [];
      return [name, numberText(row.mean, 3), numberText(row.sd, 3), intervalText(row.quantiles[0], row.quantiles[2]), probabilityText(row.positive),
        probabilityText(1 - row.above - row.below), at < terms ? intervalText(row.prediction[0], row.prediction[1]) : "\u2013", ...scaled];
    });
    show("means", h("figure", {}, forest(rowsOf(0, terms), { ...options, label: "Means with 95 % intervals, and prediction intervals of new studies" })), ...contrasts,
      details("The same as a table", textTable("Means and contrasts as you set it", columns, rows)));
  };

  /** The median and interval of a row as a ratio, if it is one. @param {number} at @param {number[]} quantiles */
  const scaledText = (at, quantiles) => {
    const total = at < terms ? Number(payload.means[at])
      : payload.means.reduce((/** @type {number} */ sum, /** @type {boolean} */ mean, /** @type {number} */ j) => sum + (mean ? content.combinations[(at - terms) * terms + j] : 0), 0);
    const name = Math.abs(total - 1) < 1e-9 ? payload.measure.ratio : payload.measure.ratioOfDifferences;
    if (!name || (Math.abs(total) > 1e-9 && Math.abs(total - 1) > 1e-9)) return "\u2013";
    const [low, median, high] = quantiles.map(Math.exp);
    return `${estimateText(median, low, high)}${name === payload.measure.ratio ? "" : ` (${name})`}`;
  };

  const drawHeterogeneity = (/** @type {Summary} */ now, /** @type {Summary} */ before) => {
    const markTau = (/** @type {import("./answers.mjs").Level | undefined} */ row, /** @type {string} */ source) =>
      (row ? [{ mean: row.tau.mean, low: row.tau.quantiles[0], high: row.tau.quantiles[2], source }] : []);
    const levels = [...LEVEL_NAMES, "total"];
    const find = (/** @type {Summary} */ of, /** @type {string} */ level) => of.heterogeneity.rows.find((row) => row.level === level);
    const rows = levels.filter((level) => find(now, level) ?? find(before, level)).map((level) => {
      const row = find(now, level);
      const marks = [...markTau(find(before, level), "report"), ...(isChanged() ? markTau(row, "yours") : [])];
      return { label: `tau, ${level}`, marks, text: row ? estimateText(row.tau.mean, row.tau.quantiles[0], row.tau.quantiles[2]) : "" };
    });
    const columns = ["level", "tau", "95 % interval", "I\u00b2 (%)", "95 % interval"];
    const cells = now.heterogeneity.rows.map(({ level, tau, i2 }) => [level, numberText(tau.mean, 3), intervalText(tau.quantiles[0], tau.quantiles[2]),
      numberText(i2.mean, 1), intervalText(i2.quantiles[0], i2.quantiles[2], 1)]);
    show("heterogeneity", h("figure", {}, forest(rows, { width: widthOf(part("heterogeneity")), label: "Standard deviations of true effects", axis: "tau", zero: false })),
      textTable("Heterogeneity as you set it", columns, cells));
  };

  // ---------------------------------------------------------------------------- studies
  const studies = labels.map((label, s) => ({ label, s, precision: 0, sum: 0, count: 0 }));
  table.yi.forEach((yi, i) => {
    const study = studies[table.study[table.group[i]]];
    study.precision += 1 / table.vi[i];
    study.sum += yi / table.vi[i];
    study.count += 1;
  });
  const meanOf = (/** @type {typeof studies[0]} */ study) => study.sum / study.precision;
  let sought = "";
  let order = "name";
  const listed = () => {
    const found = studies.filter(({ label }) => label.toLowerCase().includes(sought));
    const by = {
      name: (/** @type {typeof studies[0]} */ a, /** @type {typeof studies[0]} */ b) => a.label.localeCompare(b.label, "en", { numeric: true }),
      effect: (/** @type {typeof studies[0]} */ a, /** @type {typeof studies[0]} */ b) => meanOf(a) - meanOf(b),
      precision: (/** @type {typeof studies[0]} */ a, /** @type {typeof studies[0]} */ b) => b.precision - a.precision,
    }[order];
    return found.sort(by);
  };
  const toggle = (/** @type {number} */ s) => {
    const out = new Set(state.out);
    if (!out.delete(s)) out.add(s);
    change({ out: [...out].sort((a, b) => a - b) });
  };
  const drawStudies = () => {
    const all = listed();
    const some = all.slice(0, MOST_ROWS);
    const out = new Set(state.out);
    const kept = keptEffects(content, state);
    const counted = new Int32Array(table.studies);
    kept.forEach((keeps, i) => { counted[table.study[table.group[i]]] += keeps; });
    const largest = Math.max(...studies.map((study) => study.precision));
    const rows = some.map((study) => {
      const half = 1.959963984540054 / Math.sqrt(study.precision);
      const mean = meanOf(study);
      return { label: study.label, out: counted[study.s] === 0, size: study.precision / largest, toggle: () => toggle(study.s),
        marks: [{ mean, low: mean - half, high: mean + half, source: "study" }], text: estimateText(mean, mean - half, mean + half) };
    });
    const focused = document.activeElement?.getAttribute("data-study");
    const cells = some.map((study) => [
      h("label", {}, h("input", { type: "checkbox", checked: !out.has(study.s), "data-study": study.s, change: () => toggle(study.s) }), ` ${study.label}`),
      `${counted[study.s]} of ${study.count}`, numberText(meanOf(study)),
    ]);
    const note = all.length > some.length ? `The first ${some.length} of ${all.length} studies; search for the others.` : "";
    show("studies", h("p", { class: "note" }, "A square is the precision-weighted mean of the effects of a study, errors taken as independent. "
      + "Click a row, or use the tick boxes, to leave a study out. ", note),
    details("Tick boxes", textTable("Studies that count", ["study", "effects that count", "mean"], cells), "studies-list"),
    h("figure", { class: "tall" }, forest(rows, { width: widthOf(part("studies")), label: "Studies with 95 % intervals", axis: payload.measure.axis, zero: payload.measure.hasNull })));
    if (focused) /** @type {HTMLElement | null} */ (document.querySelector(`[data-study="${CSS.escape(focused)}"]`))?.focus();
  };

  /** @type {Set<string>} */
  const opened = new Set();
  const details = (/** @type {string} */ summary, /** @type {Node} */ child, name = summary) =>
    h("details", { open: opened.has(name), toggle: (/** @type {Event} */ event) => {
      if (/** @type {HTMLDetailsElement} */ (event.target).open) opened.add(name); else opened.delete(name);
    } }, h("summary", {}, summary), child);

  // -------------------------------------------------------------- who changes, the map
  const analysis = (/** @type {State} */ of) => ({ ...analysisOf(content, of), conclusion: of.conclusion });
  const busy = (/** @type {string} */ id, /** @type {string} */ words) => show(id, h("p", { class: "note", role: "status" }, words));

  // of a probability that is not closer to 0 or 1 than a digit shows
  const logit = (/** @type {number} */ p) => { const inside = Math.min(Math.max(p, 1e-6), 1 - 1e-6); return Math.log(inside / (1 - inside)); };
  const rank = async () => {
    const mine = turn;
    busy("deletion", "Leaving out every study ...");
    try {
      const asked = state;
      const { p, mean, p0, mean0, sd0 } = await ask("deletion", analysis(asked));
      if (mine !== turn) return;
      const every = [...labels, ...asked.added.map((row) => row.label)];
      const ranked = every.map((label, s) => ({ label, p: p[s], mean: mean[s], shift: (mean[s] - mean0) / sd0 }))
        .filter((row) => !Number.isNaN(row.p)).sort((a, b) => Math.abs(logit(b.p) - logit(p0)) - Math.abs(logit(a.p) - logit(p0)) || Math.abs(b.shift) - Math.abs(a.shift));
      const [first] = ranked;
      const settled = (/** @type {number} */ x) => x >= 0.975;
      const turned = ranked.filter((row) => settled(row.p) !== settled(p0));
      const event = eventText(asked.conclusion, names, asked.rope);
      const sentence = turned.length
        ? `${event} ${chanceText(p0)} with all. It ${settled(p0) ? "is no longer settled" : "is settled"} without ${turned.slice(0, 5).map((row) => `${row.label} (P ${chanceText(row.p)})`).join(", or without ")}${turned.length > 5 ? `, or without one of ${turned.length - 5} others` : ""}.`
        : `${event} ${chanceText(p0)} with all. No single study ${settled(p0) ? "unsettles it" : "settles it when it is left out"}; the largest change is without ${first.label} (P ${chanceText(first.p)}, the mean moves by ${numberText(first.shift)} posterior sds).`;
      const rows = ranked.slice(0, 25).map((row) => [row.label, probabilityText(row.p), numberText(row.mean, 3), numberText(row.shift)]);
      show("deletion", h("p", { role: "status" }, sentence),
        textTable("Without every study, the largest changes first", ["left out", event, `mean of ${names[asked.conclusion.at]}`, "shift (posterior sds)"], rows));
    } catch (error) {
      if (mine === turn) busy("deletion", `This cannot be computed: ${error instanceof Error ? error.message : error}`);
    }
  };

  let mapped = "scale";
  const scaledPrior = (/** @type {number} */ factor) => {
    if (mapped === "scale") return { scale: factor * report.scale };
    const names_ = parametersOf(report.family);
    return { family: report.family, parameters: report.parameters.map((value, i) => {
      if (names_[i] === "scale") return factor * value;
      return names_[i] === "rate" ? value / factor : value;
    }) };
  };
  const drawMap = async () => {
    const mine = turn;
    const asked = state;
    /** @type {(number | undefined)[][]} */
    const values = RHOS.map(() => FACTORS.map(() => undefined));
    const columns = FACTORS.map((factor) => `\u00d7 ${factor}`);
    const rows = RHOS.map(String);
    const event = eventText(asked.conclusion, names, asked.rope);
    const same = (/** @type {number} */ i, /** @type {number} */ j) => {
      const changes = { rho: RHOS[i], ...scaledPrior(FACTORS[j]) };
      return Object.entries(changes).every(([key, value]) => JSON.stringify(asked[/** @type {keyof State} */ (key)]) === JSON.stringify(value));
    };
    const chosen = RHOS.flatMap((_, i) => FACTORS.map((__, j) => [i, j])).find(([i, j]) => same(i, j)) ?? [-1, -1];
    const redraw = (/** @type {string} */ words) => {
      const label = `${event} by prior scale and rho`;
      const cells = RHOS.map((rho, i) => [`rho ${rho}`, ...values[i].map((p) => (p === undefined ? "" : probabilityText(p)))]);
      show("map", h("p", { role: "status" }, words), h("figure", {}, heatMap({
        columns, rows, values, chosen, width: Math.min(widthOf(part("map")), 640), label,
        x: mapped === "scale" ? "scale of the prior of the means, times that of the report" : "scale of the prior of the taus, times that of the report",
        y: "rho", pick: (i, j) => change({ rho: RHOS[i], ...scaledPrior(FACTORS[j]) }),
      })), details("The same as a table", textTable(label, ["", ...columns], cells), "map-table"));
    };
    try {
      for (const [i, rho] of RHOS.entries()) {
        for (const [j, factor] of FACTORS.entries()) {
          values[i][j] = await ask("cell", analysis({ ...asked, rho, ...scaledPrior(factor) }));
          if (mine !== turn) return;
        }
        redraw("Computing the map ...");
      }
      const flat = /** @type {number[]} */ (values.flat());
      const held = flat.filter((p) => p >= 0.975).length;
      redraw(`${event} is at least .975 in ${held} of ${flat.length} combinations; it goes from ${probabilityText(Math.min(...flat))} to ${probabilityText(Math.max(...flat))}. A click takes the settings of a cell.`);
    } catch (error) {
      if (mine === turn) busy("map", `This cannot be computed: ${error instanceof Error ? error.message : error}`);
    }
  };

  // ------------------------------------------------------------------- controls: pieces
  /** @param {string} label @param {string} unit @param {() => number} get @param {(value: number) => void} set @param {{min: number, max: number, step: string | number}} range */
  const numberControl = (label, unit, get, set, { min, max, step }) => {
    const input = h("input", { type: "number", min, max, step, inputmode: "decimal" });
    input.addEventListener("change", () => {
      const value = Number(input.value);
      if (input.value === "" || !(value >= min && value <= max)) input.value = String(get());
      else if (value !== get()) set(value);
    });
    controls.push(() => { if (document.activeElement !== input || Number(input.value) !== get()) input.value = String(Number(get().toPrecision(6))); });
    return h("label", { class: "field" }, h("span", {}, label), input, unit ? h("span", { class: "note" }, unit) : null);
  };
  /** @param {string} label @param {[string, string][]} options @param {() => string} get @param {(value: string) => void} set */
  const choice = (label, options, get, set) => {
    const select = h("select", {}, ...options.map(([value, words]) => h("option", { value }, words)));
    select.addEventListener("change", () => set(select.value));
    controls.push(() => { select.value = get(); });
    return h("label", { class: "field" }, h("span", {}, label), select);
  };
  const button = (/** @type {string} */ words, /** @type {() => void} */ act) => h("button", { type: "button", click: act }, words);
  const group = (/** @type {string} */ legend, /** @type {(Node | null)[]} */ ...children) => h("fieldset", {}, h("legend", {}, legend), ...children);

  const tauParameters = h("div", {});
  controls.push(() => {
    const parameters = parametersOf(state.family);
    if (tauParameters.dataset.family === state.family) {
      tauParameters.querySelectorAll("input").forEach((input, i) => { input.value = String(Number(state.parameters[i].toPrecision(6))); });
      return;
    }
    tauParameters.dataset.family = state.family;
    tauParameters.replaceChildren(...parameters.map((name, i) => {
      const input = h("input", { type: "number", min: 0, step: "any", value: state.parameters[i], inputmode: "decimal" });
      input.addEventListener("change", () => {
        const value = Number(input.value);
        if (value > 0 && value < 1e12) change({ parameters: state.parameters.map((old, at) => (at === i ? value : old)) });
        else input.value = String(state.parameters[i]);
      });
      return h("label", { class: "field" }, h("span", {}, `${name} of the taus' prior`), input);
    }));
  });
  const takeFamily = (/** @type {string} */ family) => {
    const old = parametersOf(state.family);
    const place = old.indexOf("scale");
    const size = place >= 0 ? state.parameters[place] : state.parameters[0] / state.parameters[1];
    const standard = { Gamma: [2, 2 / size], InvGamma: [2, size] };
    const same = family === report.family ? report.parameters : undefined;
    change({ family, parameters: same ?? standard[/** @type {"Gamma"} */ (family)] ?? [size] });
  };

  const levelBoxes = LEVEL_NAMES.map((level) => {
    const box = h("input", { type: "checkbox" });
    box.addEventListener("change", () => {
      const levels = LEVEL_NAMES.filter((name) => (name === level ? box.checked : state.levels.includes(name)));
      if (levels.length) change({ levels });
      else box.checked = true;
    });
    controls.push(() => { box.checked = state.levels.includes(level); });
    return h("label", {}, box, ` ${level}`);
  });

  const filters = h("div", {});
  const filterChoice = h("select", { "aria-label": "Moderator to filter by" }, h("option", { value: "" }, "choose a moderator"),
    ...moderators.map(({ name, words }) => h("option", { value: name }, words)));
  filterChoice.addEventListener("change", () => {
    const moderator = moderators.find(({ name }) => name === filterChoice.value);
    filterChoice.value = "";
    if (!moderator || state.filters[moderator.name]) return;
    change({ filters: { ...state.filters, [moderator.name]: wholeRange(moderator) } });
  });
  const wholeRange = (/** @type {Moderator} */ { levels, values }) => {
    if (levels) return { out: [], blank: true };
    const known = [...(values ?? [])].filter(Number.isFinite);
    return { low: Math.min(...known), high: Math.max(...known), blank: true };
  };
  let shownFilters = "";
  controls.push(() => {
    const key = JSON.stringify(state.filters);
    if (key === shownFilters) return;
    shownFilters = key;
    const focused = document.activeElement?.id;
    filters.replaceChildren(...Object.keys(state.filters).map(filterControl));
    if (focused) document.getElementById(focused)?.focus();
  });
  const filterControl = (/** @type {string} */ name) => {
    const filter = state.filters[name];
    const at = moderators.findIndex((of) => of.name === name);
    const { words, levels } = moderators[at];
    const set = (/** @type {Partial<import("./state.mjs").Filter>} */ changes) => change({ filters: { ...state.filters, [name]: { ...state.filters[name], ...changes } } });
    const tick = (/** @type {string} */ label, /** @type {boolean} */ checked, /** @type {string} */ id, /** @type {(on: boolean) => void} */ act) =>
      h("label", {}, h("input", { type: "checkbox", checked, id, change: (/** @type {any} */ event) => act(event.target.checked) }), ` ${label}`);
    const out = new Set(filter.out);
    const boxes = (levels ?? []).map((level, code) => tick(level, !out.has(code), `filter-${at}-${code}`, (on) => {
      if (on) out.delete(code); else out.add(code);
      set({ out: [...out].sort((a, b) => a - b) });
    }));
    const ends = levels ? [] : /** @type {("low" | "high")[]} */ (["low", "high"]).map((end) => {
      const input = h("input", { type: "number", step: "any", value: filter[end], id: `filter-${at}-${end}` });
      input.addEventListener("change", () => { if (input.value !== "" && Number.isFinite(Number(input.value))) set({ [end]: Number(input.value) }); });
      return h("label", { class: "field" }, h("span", {}, end === "low" ? "from" : "to"), input);
    });
    return group(words, h("div", { class: "ticks" }, ...boxes, ...ends, tick("blank", filter.blank, `filter-${at}-blank`, (blank) => set({ blank }))),
      button("remove this filter", () => {
        const { [name]: _, ...others } = state.filters;
        change({ filters: others });
      }));
  };

  const conclusionControls = () => [
    choice("Conclusion", names.map((name, at) => [String(at), name]), () => String(state.conclusion.at),
      (value) => change({ conclusion: { ...state.conclusion, at: Number(value) } })),
    choice("which", KINDS.map((kind) => [kind, KIND_WORDS[/** @type {"above"} */ (kind)]]), () => state.conclusion.kind,
      (kind) => change({ conclusion: { ...state.conclusion, kind: /** @type {State["conclusion"]["kind"]} */ (kind) } })),
  ];

  const single = payload.model.terms.scale !== null;
  show("controls",
    group("Conclusion", ...conclusionControls(),
      numberControl("Region of practical equivalence, \u00b1", "", () => state.rope, (rope) => change({ rope }), { min: 0, max: 1e6, step: "any" })),
    group("Priors",
      single ? numberControl("Means: prior mean", "", () => state.location, (location_) => change({ location: location_ }), { min: -1e6, max: 1e6, step: "any" }) : null,
      numberControl(single ? "Terms: prior sd" : "Terms: factor of the prior sds", "", () => state.scale, (scale) => change({ scale }), { min: 1e-6, max: 1e6, step: "any" }),
      choice("Taus: family", Object.keys(FAMILIES).map((family) => [family, family]), () => state.family, takeFamily), tauParameters),
    group("Dependence",
      numberControl("rho, correlation of errors in a group", "", () => state.rho, (rho) => change({ rho }), { min: 0, max: 0.95, step: 0.05 }),
      h("p", { class: "note" }, "True effects vary by"), h("div", { class: "ticks" }, ...levelBoxes)),
    group("Which effects count", moderators.length ? h("label", { class: "field" }, h("span", {}, "Filter"), filterChoice) : h("p", { class: "note" }, "The table has no moderators."), filters,
      h("p", { class: "note" }, "Studies: tick boxes and forest under \u201cStudies\u201d.")));

  const copy = async () => {
    const link = /** @type {HTMLInputElement} */ (part("link"));
    link.select();
    let done = true;
    try {
      await navigator.clipboard.writeText(link.value);
    } catch {
      done = document.execCommand("copy");
    }
    show("copied", done ? "The link is copied." : "Copy the selected link.");
  };
  const undoButton = button("Undo", undo);
  const resetButton = button("Reset", () => change(report));
  controls.push(() => {
    undoButton.disabled = history.length === 0;
    resetButton.disabled = Object.keys(changesOf(state, report)).length === 0;
  });
  show("actions", undoButton, resetButton, button("Copy link", copy),
    h("input", { id: "link", type: "text", readonly: true, "aria-label": "Link that carries the settings" }), h("span", { id: "copied", role: "status" }));

  const search = h("input", { type: "search", placeholder: "name", "aria-label": "Search studies" });
  search.addEventListener("input", () => { sought = search.value.trim().toLowerCase(); drawStudies(); });
  const sorting = h("select", { "aria-label": "Order of the studies" }, ...["name", "effect", "precision"].map((by) => h("option", { value: by }, `by ${by}`)));
  sorting.addEventListener("change", () => { order = sorting.value; drawStudies(); });
  show("studies-tools", search, sorting, button("all in", () => change({ out: [] })),
    button("leave the listed out", () => change({ out: [...new Set([...state.out, ...listed().map((study) => study.s)])].sort((a, b) => a - b) })),
    button("only the listed", () => {
      const keep = new Set(listed().map((study) => study.s));
      change({ out: studies.map((study) => study.s).filter((at) => !keep.has(at)) });
    }));
  show("deletion-tools", button("Who changes this conclusion?", rank));
  const mapChoice = h("select", { "aria-label": "Prior that the map varies" }, h("option", { value: "scale" }, "prior of the means"), h("option", { value: "tau" }, "prior of the taus"));
  mapChoice.addEventListener("change", () => { mapped = mapChoice.value; });
  show("map-tools", mapChoice, button("Draw the map", drawMap));

  // ------------------------------------------------------------------ add a new study
  const designRows = floatsOf(payload.table.rows);
  const distinct = Array.from({ length: designRows.length / terms }, (_, i) => [...designRows.subarray(i * terms, (i + 1) * terms)]);
  const rowText = (/** @type {number[]} */ row) => {
    const used = row.flatMap((value, j) => (value === 0 ? [] : [value === 1 ? names[j] : `${names[j]} = ${Number(value.toPrecision(4))}`]));
    return used.join(" + ") || "all terms 0";
  };
  const few = distinct.length <= 60;
  const rowChoice = h("select", {}, ...(few ? distinct : []).map((row, at) => h("option", { value: at }, rowText(row))));
  const xInputs = names.slice(0, terms).map((name) => ({ name, input: h("input", { type: "number", step: "any", value: name === "intercept" ? 1 : 0 }) }));
  const chosenRow = () => (few ? distinct[Number(rowChoice.value)] : xInputs.map(({ input }) => Number(input.value)));
  const field = (/** @type {string} */ label, type = "number") => {
    const input = h("input", { type, step: "any", maxlength: 80 });
    input.addEventListener("input", () => { clearTimeout(predicting); predicting = setTimeout(predict, 150); });
    return { input, node: h("label", { class: "field" }, h("span", {}, label), input), value: () => (input.value.trim() === "" ? NaN : Number(input.value)) };
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let predicting;
  const name = field("Name", "text");
  const yi = field("Effect yi");
  const sei = field("Standard error");
  const raw = { m1: field("Mean 1"), sd1: field("SD 1"), n1: field("n 1"), m2: field("Mean 2"), sd2: field("SD 2"), n2: field("n 2") };
  const way = h("select", {}, h("option", { value: "yi" }, "effect and standard error"), h("option", { value: "raw" }, "means, SDs and group sizes (Hedges' g)"));
  const wayFields = h("div", { class: "fields" });
  const showWay = () => { wayFields.replaceChildren(...(way.value === "yi" ? [sei.node, yi.node] : Object.values(raw).map((of) => of.node))); predict(); };
  way.addEventListener("change", showWay);
  rowChoice.addEventListener("change", () => predict());
  for (const { input } of xInputs) input.addEventListener("input", () => predict());
  const newEffect = () => {
    if (way.value === "yi") return { yi: yi.value(), vi: sei.value() ** 2 };
    const numbers = { m1: raw.m1.value(), sd1: raw.sd1.value(), n1: raw.n1.value(), m2: raw.m2.value(), sd2: raw.sd2.value(), n2: raw.n2.value() };
    const known = hedges(numbers, logGamma);
    return Number.isFinite(known.yi) ? known : { yi: NaN, vi: 1 / numbers.n1 + 1 / numbers.n2 };
  };
  const predict = async () => {
    const effect = newEffect();
    const ready = effect.vi > 0 && Number.isFinite(effect.vi) && current;
    addButton.disabled = !(ready && Number.isFinite(effect.yi));
    if (!ready) { show("prediction", h("p", { class: "note" }, "With a standard error, or group sizes, the prediction for the study appears here before its effect is known.")); return; }
    const mine = turn;
    try {
      const prediction = await ask("prediction", { ...analysisOf(content, state), x: chosenRow(), vi: effect.vi });
      if (mine !== turn) return;
      const observed = Number.isFinite(effect.yi) ? effect.yi : undefined;
      const sentence = predictionText(prediction, observed);
      show("prediction", h("p", { role: "status" }, sentence),
        h("figure", {}, density({ ...prediction, observed, width: Math.min(widthOf(part("prediction")), 640), label: sentence, axis: payload.measure.axis })));
    } catch (error) {
      if (mine === turn) busy("prediction", `This cannot be computed: ${error instanceof Error ? error.message : error}`);
    }
  };
  const addButton = button("Add the study", () => {
    const effect = newEffect();
    const label = name.input.value.trim().slice(0, 80) || `new study ${state.added.length + 1}`;
    for (const of of [name, yi, sei, ...Object.values(raw)]) of.input.value = "";
    change({ added: [...state.added, { label, ...effect, x: chosenRow() }] });
  });
  const addedList = h("ul", {});
  controls.push(() => {
    addedList.replaceChildren(...state.added.map((row, at) => h("li", {}, `${row.label}: ${numberText(row.yi, 3)}, standard error ${numberText(Math.sqrt(row.vi), 3)}, ${rowText(row.x)} `,
      button(`remove ${row.label}`, () => change({ added: state.added.filter((_, place) => place !== at) })))));
  });
  show("new-study",
    h("div", { class: "fields" }, name.node,
      few ? h("label", { class: "field" }, h("span", {}, "It informs"), rowChoice) : h("div", { class: "fields" }, ...xInputs.map(({ name: term, input }) => h("label", { class: "field" }, h("span", {}, term), input))),
      h("label", { class: "field" }, h("span", {}, "Given"), way)),
    wayFields, addButton, addedList);

  // -------------------------------------------------------------------------- first run
  const compareWithPython = (/** @type {Summary} */ { rows }) => {
    const shifts = rows.flatMap((row, at) => {
      const of = payload.reference;
      return [row.mean - of.mean[at], row.sd - of.sd[at], row.quantiles[0] - of.ci_lb[at], row.quantiles[2] - of.ci_ub[at]].map((shift) => Math.abs(shift / of.sd[at]));
    });
    const largest = Math.max(...shifts);
    const same = largest < 1e-4;
    show("reproduced", same
      ? `The script of this page repeats the exact summaries of bayesmeta: the largest difference is ${largest.toExponential(0)} posterior sds.`
      : `Warning: the script of this page differs from the exact summaries of bayesmeta by ${largest.toPrecision(2)} posterior sds. Please report this.`);
    part("reproduced").dataset.largest = String(largest);
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement && event.target.type !== "checkbox";
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && !typing) { event.preventDefault(); undo(); }
  });
  window.addEventListener("hashchange", () => {
    const next = stateOf(location.hash, content);
    if (JSON.stringify(next) !== JSON.stringify(state)) { history.push(state); state = next; refresh(); }
  });
  let width = window.innerWidth;
  window.addEventListener("resize", () => { if (window.innerWidth !== width) { width = window.innerWidth; draw(); } });
  for (const element of document.querySelectorAll("[hidden][data-live]")) element.removeAttribute("hidden");
  for (const element of document.querySelectorAll("[data-static]")) element.setAttribute("hidden", "");
  if (window.matchMedia("(max-width: 59.99rem)").matches) part("panel").querySelector("details")?.removeAttribute("open");
  showWay();
  refresh();
}

if (typeof document === "undefined") serve();
else start();
