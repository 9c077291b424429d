"""A small folder of results by hand: that of `fit`, `compare` and `check`, invented numbers."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayesmeta.infrastructure.provenance import hashes
from bayesmeta.output.figures import save

TERMS = ["neutral:learning", "fear:learning", "neutral:memory", "fear:memory", "trauma:memory"]
NAMES = [*TERMS, *(f"{one} - {other}" for one, other in pairwise(TERMS)), "a <b> & c"]


def tables() -> dict[str, pd.DataFrame]:
    """By the command that writes them."""
    rng = np.random.default_rng(5)
    mean = np.round(rng.normal(0, 1, len(NAMES)), 12)
    contrasts = pd.DataFrame(
        {"contrast": NAMES, "mean": mean, "sd": 0.123456789, "ci_lb": mean - 0.25}
    )
    contrasts = contrasts.assign(ci_ub=mean + 0.25, p_positive=(mean > 0).astype(float), p_rope=0.0)
    terms = contrasts[: len(TERMS)].drop(columns="p_rope").rename(columns={"contrast": "term"})
    names = ["estimate", "shift", "shift_prior", "shift_integration"]
    both = terms.assign(**dict.fromkeys(names, terms["mean"] + 0.001), why="they agree")
    both = both.assign(cri_lb=terms["ci_lb"], cri_ub=terms["ci_ub"])
    side = np.select([both["ci_lb"] > 0, both["ci_ub"] < 0], ["above", "below"], "open")
    both = both.assign(side_frequentist=side, side_posterior=side)
    levels = pd.DataFrame(
        {"level": ["study", "total"], "tau_mean": [0.8, 0.9], "tau_ci_lb": 0.5, "tau_ci_ub": 1.25}
    )
    levels = levels.assign(i2_mean=[70.5, 80.25], i2_ci_lb=60.0, i2_ci_ub=85.0)
    bias = pd.concat([contrasts.assign(model=model) for model in ("unadjusted", "PET")])
    checks = [
        ("convergence", "passed", "all is well"),
        ("funnel", "review", "5 % of < them & more"),
    ]
    changes = {
        "contrast": NAMES[0],
        "study": np.arange(3000),
        "k": 2,
        "shift": rng.normal(0, 1, 3000),
        "changed": None,
    }
    return {
        "terms": terms,
        "contrasts": contrasts,
        "heterogeneity": levels,
        "prediction": pd.DataFrame({"term": TERMS, "level": "study", "pi_lb": -2.0, "pi_ub": 2.0}),
        "comparison": both,
        "check": pd.DataFrame(checks, columns=["check", "state", "sentence"]),
        "convergence": pd.DataFrame(
            {"diagnostic": ["max_r_hat"], "value": [1.0034549], "passed": [True]}
        ),
        "bias_cells": bias[["contrast", "model", "mean", "sd", "ci_lb", "ci_ub"]],
        "influence_changes": pd.DataFrame(changes),
    }


def make_folder(folder: Path, *, synthetic: bool = False) -> Path:
    """Write it; every file under tables and figures with its hash in provenance.json."""
    for name in ("tables", "figures"):
        (folder / name).mkdir(parents=True)
    for name, table in tables().items():
        table.to_csv(folder / "tables" / f"{name}.csv", index=False)
    for name in ("forest", "funnel_fear-memory"):
        figure = Figure()
        figure.add_subplot().plot([0, 1], [0, 1], "o")
        save(
            figure,
            folder / "figures" / name,
            tables()["terms"],
            synthetic=synthetic,
            source="bayesmeta 0, seed 1",
        )
    about = {
        "label": "real data",
        "synthetic": synthetic,
        "title": "A toy",
        "command": "bayesmeta fit --dataset toy",
    }
    about |= {
        "dataset": "toy",
        "model": "three-level",
        "model_sha256": "0" * 64,
        "seed": 1,
        "git_commit": "abc",
    }
    about |= {
        "draws": 1000,
        "tune": 1000,
        "sampler": "numpyro",
        "chains": 4,
        "notes": ["a note"],
        "versions": {"bayesmeta": "0.1.0"},
    }
    about |= {
        "sources": [{"name": "toy.csv", "sha256": "f" * 64, "found_in": "."}],
        "created": "2026-01-01T00:00:00",
    }
    (folder / "diagnostics.json").write_text(
        json.dumps({"passed": True, "failures": [], "warnings": ["few draws"]})
    )
    about |= {"timings": {"sampling": 1.5}, "outputs": hashes(folder)}
    (folder / "provenance.json").write_text(json.dumps(about))
    return folder
