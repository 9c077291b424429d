"""Measure the time of a fit and its effective draws: `python benchmarks/fit.py` rewrites fit.md.

Every engine runs in a separate process on the same data, one after the other: bayesmeta with an
empty and with a filled compilation cache, and the latent (non-centred) PyMC model under PyMC's
default sampler. Absolute seconds depend on the machine; the ratios within a run are the result.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BARS = {"preclinical": 1.0, "clinical": 0.8}
RATIO_BAR = 5.0


def fit_bayesmeta(dataset: str) -> dict[str, Any]:
    """Fit and write as `bayesmeta fit` does, in parts."""
    begun = time.perf_counter()
    from bayesmeta.data import datasets
    from bayesmeta.estimates import convergence
    from bayesmeta.inference.nuts import sample_posterior
    from bayesmeta.infrastructure.progress import Steps
    from bayesmeta.infrastructure.provenance import provenance_of
    from bayesmeta.model.design import build_design
    from bayesmeta.model.spec import read_spec
    from bayesmeta.output.folders.fit import fit_tables, write_fit, write_fit_figures
    from bayesmeta.output.folders.folder import Folder

    imported, compiling, steps = time.perf_counter() - begun, listen_to_compilation(), Steps()
    spec = read_spec("three-level")
    frame = datasets.read(dataset)
    design = build_design(frame, spec)
    tree = sample_posterior(design, spec, steps=steps)
    found = convergence.diagnose(tree)
    choices = {"dataset": dataset, "model": spec.name, "model_sha256": spec.sha256, "seed": 1}
    with tempfile.TemporaryDirectory() as path, steps("write"):
        folder = Folder(Path(path), provenance_of(choices, frame.attrs), Steps())
        write_fit(folder, tree, fit_tables(tree), found, write_fit_figures)
        folder.write_provenance("provenance.json")
    seconds = list(steps.seconds.values())
    return {
        "import": imported,
        "build": seconds[0],
        "compile": sum(compiling),
        "sample and compile": seconds[1],
        "exact draws and compile": seconds[2],
        "write": seconds[3],
        "ess": found["min_ess_bulk"],
        "divergences": found["divergences"],
    }


def fit_latent(dataset: str) -> dict[str, Any]:
    """Build the model with sampled, non-centred random effects, as a PyMC user writes it."""
    begun = time.perf_counter()
    import arviz as az
    import pymc as pm

    from bayesmeta.data import datasets
    from bayesmeta.model.design import build_design
    from bayesmeta.model.spec import read_spec

    imported = time.perf_counter() - begun
    design = build_design(datasets.read(dataset), read_spec("three-level"))
    group, study = design["effect_group"].values, design["group_study"].values
    built = time.perf_counter()
    with pm.Model():
        beta = pm.Normal("beta", 0, 1.5, shape=design.sizes["term"])
        tau = pm.HalfNormal("tau", 1, shape=2)
        u = pm.Normal("u", shape=design.sizes["study"])
        w = pm.Normal("w", shape=design.sizes["group"])
        theta = design["X"].values @ beta + tau[0] * u[study[group]] + tau[1] * w[group]
        pm.Normal("yi", theta, design["vi"].values ** 0.5, observed=design["yi"].values)
        building, sampled = time.perf_counter() - built, time.perf_counter()
        tree = pm.sample(1000, tune=1000, chains=4, random_seed=1, progressbar=False, quiet=True)
        sampling = time.perf_counter() - sampled
    ess = az.ess(tree["posterior"].to_dataset()[["beta", "tau"]])
    return {
        "import": imported,
        "build": building,
        "sample and compile": sampling,
        "ess": float(min(ess["beta"].min(), ess["tau"].min())),
        "divergences": int(tree["sample_stats"]["diverging"].sum()),
    }


def listen_to_compilation() -> list[float]:
    """Return the seconds that JAX traces, lowers, compiles or loads, appended as they happen."""
    import jax

    seconds: list[float] = []

    def hear(event: str, duration_secs: float, **_: str | int) -> None:
        if event.startswith("/jax/core/compile/"):
            seconds.append(duration_secs)

    jax.monitoring.register_event_duration_secs_listener(hear)
    return seconds


def measure(engine: str, dataset: str, cache: str) -> dict[str, Any]:
    """Run one engine in its own process; adds the whole process's seconds and peak memory."""
    command = [sys.executable, __file__, engine, dataset]
    begun = time.perf_counter()
    done = subprocess.run(
        command, env=os.environ | {"BAYESMETA_CACHE": cache}, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    seconds = time.perf_counter() - begun
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result | {"whole process": seconds, "ess per second": result["ess"] / seconds}


def compare(dataset: str) -> tuple[list[str], list[str]]:
    """Rows of the table, and which bars hold."""
    with tempfile.TemporaryDirectory() as cache:
        runs = {
            "bayesmeta, empty cache": measure("bayesmeta", dataset, cache),
            "bayesmeta, filled cache": measure("bayesmeta", dataset, cache),
            "latent non-centred, PyMC's default": measure("latent", dataset, cache),
        }
    columns = [
        "import",
        "build",
        "compile",
        "sample and compile",
        "exact draws and compile",
        "write",
        "whole process",
    ]
    columns += ["peak memory (GB)", "ess", "divergences", "ess per second"]
    rows = [
        f"| {dataset} | {name} | "
        + " | ".join(f"{run[key]:.2f}" if key in run else "" for key in columns[:8])
        + f" | {run['ess']:.0f} | {run['divergences']} | {run['ess per second']:.0f} |"
        for name, run in runs.items()
    ]
    cold, warm, latent = runs.values()
    per_draw = warm["ess"] / 4000
    ratios = [run["ess per second"] / latent["ess per second"] for run in (cold, warm)]
    bars = [
        f"- {dataset}: minimum bulk ESS per draw {per_draw:.2f} (bar {BARS[dataset]}): "
        + _holds(per_draw >= BARS[dataset]),
        f"- {dataset}: ESS per second of the complete process over that of the latent model: "
        f"{ratios[0]:.1f} with an empty cache, {ratios[1]:.1f} with a filled cache "
        f"(bar {RATIO_BAR:.0f}): {_holds(min(ratios) >= RATIO_BAR)}",
    ]
    return rows, bars


def _holds(held: bool) -> str:
    return "holds" if held else "MISSED"


def main() -> int:
    """Measure, write the table, say which bars were missed."""
    if len(sys.argv) == 3:
        result = {"bayesmeta": fit_bayesmeta, "latent": fit_latent}[sys.argv[1]](sys.argv[2])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(json.dumps(result | {"peak memory (GB)": peak}))
        return 0
    measured = [compare(dataset) for dataset in BARS]
    rows, bars = (
        [row for rows, _ in measured for row in rows],
        [bar for _, bars in measured for bar in bars],
    )
    stages = "import | build | compile | sample and compile | exact draws and compile | write"
    head = f"{stages} | complete process"
    header = f"| data | engine | {head} | peak GB | ESS | divergences | ESS/s |"
    rule = "|" + "---|" * (header.count("|") - 1)
    about = (
        f"{os.cpu_count()} cores; seconds; ESS: the lowest bulk ESS of cells and taus in 4 x 1000 "
        "draws, seed 1."
    )
    text = "\n".join(
        [
            "# Fit",
            "",
            "`make bench` rewrites this page. " + about,
            "",
            header,
            rule,
            *rows,
            "",
            *bars,
        ]
    )
    (HERE / "fit.md").write_text(text + "\n", encoding="utf-8")
    print(text)
    return int("MISSED" in text)


if __name__ == "__main__":
    sys.exit(main())
