// @ts-check
/** Where the engine runs: in the page, or in a worker made from the script of the page. */
import { BadInput } from "./engine/rules.mjs";
import { answer } from "./answers.mjs";

const LARGE = 5000; // effects, above which a worker computes; it also computes with three taus, or a rho with a prior

/**
 * Ask the engine: here, or about what takes long in a worker made from the page's script.
 *
 * A new summary stops what the worker still computes for older settings.
 * @returns {(kind: string, request: any) => Promise<any>}
 */
export function calculator() {
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
    const heavy = request.table.yi.length > LARGE || request.model.levels.length > 2 || request.model.rhoPrior;
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
export function serve() {
  self.addEventListener("message", ({ data }) => { self.postMessage({ id: data.id, ...answer(data.kind, data.request) }); });
}
