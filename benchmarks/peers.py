"""Run a model in metafor, brms and bayesmeta: `python benchmarks/peers.py` rewrites peers.md.

Without R, or without a package of it, that peer is left out and the page says so. Absolute seconds
depend on the machine; the ratios within a run are the result.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
STUDIES = 184


def solve() -> dict[str, Any]:
    """Return seconds of REML, quadrature, all refits without a study: first and later calls."""
    from statistics import median

    from bayesmeta.inference.quadrature import integrate_posterior, leave_one_study_out
    from bayesmeta.inference.reml import fit_reml

    design, spec = _inputs()
    seconds: dict[str, Any] = {}
    for name, function in (
        ("reml", fit_reml),
        ("quadrature", integrate_posterior),
        ("leave out", leave_one_study_out),
    ):
        times = []
        for _ in range(4):
            begun = time.perf_counter()
            function(design, spec)
            times.append(time.perf_counter() - begun)
        seconds |= {f"{name}, first": times[0], name: median(times[1:])}
    return seconds


def nuts() -> dict[str, Any]:
    """Sample the posterior, 4 x (1000 + 1000)."""
    from bayesmeta.estimates.convergence import diagnose
    from bayesmeta.inference.nuts import sample_posterior

    design, spec = _inputs()
    found = diagnose(sample_posterior(design, spec))
    return {"ess": found["min_ess_bulk"], "divergences": found["divergences"]}


def _inputs() -> tuple[Any, Any]:
    from bayesmeta.data import datasets
    from bayesmeta.model.design import build_design
    from bayesmeta.model.spec import read_spec

    spec = read_spec("three-level")
    return build_design(datasets.read("preclinical"), spec), spec


def run(command: list[str], **environment: str) -> dict[str, Any] | None:
    """Return the JSON that a process prints last, with its seconds; None if it fails."""
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)
    if done.returncode:
        print(
            f"left out: {' '.join(command[:3])}: {(done.stderr.splitlines() or ['no message'])[-1]}"
        )
        return None
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result | {"whole process": time.perf_counter() - begun}


def peers(table: Path) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return the times of metafor and brms for the same table."""
    if shutil.which("Rscript") is None:
        print(
            "left out: metafor and brms, because R is not installed "
            "(Debian: r-cran-metafor, r-cran-brms, r-cran-bh)"
        )
        return None, None
    script = str(HERE / "peers.R")
    metafor, brms = (run(["Rscript", script, name, str(table)]) for name in ("metafor", "brms"))
    return metafor, brms


def main() -> int:
    """Measure, write the page, say which bars were missed."""
    if len(sys.argv) == 2:
        print(json.dumps({"solve": solve, "nuts": nuts}[sys.argv[1]]()))
        return 0
    from bayesmeta.data import datasets

    effects = datasets.read("preclinical").assign(
        cell=lambda x: x["valence"].astype(str) + ":" + x["phase"].astype(str)
    )
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "effects.csv"
        effects[["study", "group", "cell", "yi", "vi"]].to_csv(table, index=False)
        us = [sys.executable, __file__]
        cold, warm = (run([*us, "nuts"], BAYESMETA_CACHE=folder) for _ in range(2))
        ours = run([*us, "solve"], BAYESMETA_CACHE=folder)
        metafor, brms = peers(table)
    if cold is None or warm is None or ours is None:
        return 1
    lines = page(ours, cold, warm, metafor, brms)
    (HERE / "peers.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return int(any("MISSED" in line for line in lines))


def page(
    ours: dict[str, Any],
    cold: dict[str, Any],
    warm: dict[str, Any],
    metafor: dict[str, Any] | None,
    brms: dict[str, Any] | None,
) -> list[str]:
    """Lines of the page."""
    lines = [
        "# Peers",
        "",
        "`python benchmarks/peers.py` rewrites this page: the three-level model on the preclinical "
        f"table, {os.cpu_count()} cores, seconds.",
        "",
        "| what | seconds |",
        "|---|---|",
        *(f"| bayesmeta, {name} | {ours[name]:.3f} |" for name in ours if name != "whole process"),
        *(
            f"| bayesmeta, NUTS, complete process, {name} cache: ESS {run['ess']:.0f} "
            f"| {run['whole process']:.1f} |"
            for name, run in (("empty", cold), ("filled", warm))
        ),
    ]
    bars = []
    if metafor:
        version = metafor["version"]
        for name in ("default", "sparse", "refit"):
            lines.append(f"| metafor {version}, rma.mv, {name} | {metafor[name]:.3f} |")
        bars += [
            bar("quadrature over rma.mv(sparse = TRUE)", metafor["sparse"] / ours["quadrature"], 8),
            bar("REML over rma.mv(sparse = TRUE)", metafor["sparse"] / ours["reml"], 1),
            bar(
                f"all {STUDIES} leave-one-study-out refits over as many of rma.mv(sparse = TRUE)",
                STUDIES * metafor["refit"] / ours["leave out"],
                100,
            ),
        ]
    if brms:
        seconds, ess = brms["whole process"], brms["ess"]
        lines.append(f"| brms {brms['version']}, whole process: ESS {ess:.0f} | {seconds:.1f} |")
        for name, run in (("an empty", cold), ("a filled", warm)):
            ratio = (run["ess"] / run["whole process"]) / (ess / seconds)
            bars.append(
                bar(
                    f"NUTS with {name} cache over brms, ESS per second of whole processes",
                    ratio,
                    60,
                )
            )
    return [*lines, "", "Times faster:", "", *bars]


def bar(what: str, ratio: float, least: float) -> str:
    """One ratio against its bar."""
    return f"- {what}: {ratio:.1f} (bar {least:g}): {'holds' if ratio >= least else 'MISSED'}"


if __name__ == "__main__":
    sys.exit(main())
