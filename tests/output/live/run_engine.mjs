// Reads requests (JSON, a line each) from standard input, answers each with a line.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(`${process.argv[2]}/`);
const engine = {};
for (const name of ["deletion", "families", "heterogeneity", "mixtures", "posterior", "rho", "rules", "special"]) {
  Object.assign(engine, await import(new URL(`engine/${name}.mjs`, folder)));
}
const data = await import(new URL("data.mjs", folder));
const state = await import(new URL("state.mjs", folder));
const drawing = await import(new URL("texts.mjs", folder));
const answers = await import(new URL("answers.mjs", folder));
const results = await import(new URL("results.mjs", folder));
const words = await import(new URL("words.mjs", folder));
const SHARES = [0.025, 0.5, 0.975];
const lists = (value) => JSON.parse(JSON.stringify(value, (_, item) => {
  if (ArrayBuffer.isView(item)) return [...item].map((x) => (Number.isNaN(x) ? null : x));
  return item;
}));

const ANSWERS = {
  posterior({ table, model, choices, combinations, without, kept, rope, repeats = 1, tolerance }) {
    let decoded = data.tableOf(table);
    if (kept) decoded = data.chosenTable(decoded, kept);
    const options = { combinations: data.floatsOf(combinations), without, tolerance };
    let posterior;
    const start = performance.now();
    for (let i = 0; i < repeats; i++) posterior = engine.integrate(decoded, data.modelOf(model, choices), options);
    const seconds = (performance.now() - start) / 1000 / repeats;
    const count = posterior.combinations.length / decoded.terms;
    const rows = Array.from({ length: count }, (_, at) => {
      const mixture = engine.mixtureOf(posterior, at);
      return {
        ...engine.momentsOfMixture(mixture),
        quantiles: SHARES.map((p) => engine.quantile(mixture, p)),
        positive: engine.above(mixture, 0),
        rope: engine.above(mixture, -rope) - engine.above(mixture, rope),
        above: engine.above(mixture, rope),
        prediction: posterior.arrays.model.levels.map((level) =>
          SHARES.map((p) => engine.quantile(engine.mixtureOf(posterior, at, level), p))),
      };
    });
    return {
      rows, heterogeneity: engine.heterogeneity(posterior, SHARES), logEvidence: posterior.logEvidence,
      error: posterior.error, rho: posterior.rho, seconds,
    };
  },
  deletion({ table, model, combinations, events, tolerance }) {
    const options = { combinations: data.floatsOf(combinations), tolerance };
    const posterior = engine.integrate(data.tableOf(table), data.modelOf(model), options);
    const start = performance.now();
    return { ...engine.leaveOneStudyOut(posterior, events), seconds: (performance.now() - start) / 1000 };
  },
  // the settings of a link: as the page takes them, as it writes them, and what they keep
  settings({ payload, fragment }) {
    const content = state.contentOf(payload);
    const taken = state.stateOf(fragment, content);
    const analysis = state.analysisOf(content, taken);
    const summary = answers.answer("summary", analysis);
    return {
      state: taken, fragment: state.fragmentOf(taken, content.report), kept: state.keptEffects(content, taken),
      yi: analysis.table.yi, phrases: words.settingsText(taken, content),
      sentences: summary.value ? words.answerText(summary.value.rows, content.names, payload.measure.hasNull) : [],
      mean: summary.value?.rows.map((row) => row.mean), refused: summary.refused,
    };
  },
  answer({ payload, fragment, kind, more }) {
    const content = state.contentOf(payload);
    return answers.answer(kind, { ...state.analysisOf(content, state.stateOf(fragment, content)), ...more });
  },
  texts({ numbers, intervals, probabilities }) {
    return {
      numbers: numbers.map(([value, digits]) => drawing.numberText(value, digits)),
      intervals: intervals.map((ends) => drawing.intervalText(...ends)),
      estimates: intervals.map(([low, high]) => drawing.estimateText((low + high) / 2, low, high)),
      probabilities: probabilities.map(drawing.probabilityText),
      ticks: intervals.map(([low, high]) => drawing.ticksOf(low, high, 5).ticks),
    };
  },
  scaled({ payload, at, quantiles }) {
    const content = state.contentOf(payload);
    return results.scaledText(content, at, quantiles);
  },
  hedges({ rows }) {
    return rows.map(data.hedges);
  },
  functions({ x, positive }) {
    return {
      ndtr: x.map(engine.ndtr), logGamma: positive.map(engine.logGamma),
      rules: [5, 48, 256].map((order) => engine.leggauss(order)),
    };
  },
  densities({ families, x }) {
    return families.map(([name, parameters]) => x.map((value) => String(engine.FAMILIES[name].logDensity(value, parameters))));
  },
  sizes({ families, size }) {
    return families.map((name) => engine.FAMILIES[name].typical(size));
  },
  beta({ a, b, p }) {
    return { quantiles: p.map((share) => engine.betaQuantile(share, a, b)), order: engine.nodesOfRho([a, b], 12, [-4.5, 4.5]) };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { ask, ...request } = JSON.parse(line);
  let answer;
  try {
    answer = lists(ANSWERS[ask](request));
  } catch (error) {
    if (!(error instanceof engine.BadInput)) throw error;
    answer = { refused: error.message };
  }
  console.log(JSON.stringify(answer));
}
