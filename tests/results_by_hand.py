"""A folder of results by hand: small tables of every command, provenance, diagnostics, design."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from bayesmeta.model.spec import parse_spec, spec_to_json
from bayesmeta.output.pages.results import Results, read_results

TRACE = "Hedges' g (positive: better performance in PTSD)"
MODEL = """
title = "Three-level model, cell means"
terms = "0 + valence:phase"
levels = ["study", "group"]
rope = 0.2
[priors.terms]
prior = "Normal(0, 1.5)"
reason = "weakly informative"
[priors.tau]
prior = "HalfNormal(1)"
reason = "wide enough"
"""
ABOUT: dict[str, Any] = {
    **{
        "label": "real data",
        "synthetic": False,
        "title": "Toy animals",
        "command": "bayesmeta fit --dataset toy",
    },
    **{
        "dataset": "toy",
        "model": "three-level",
        "variant": None,
        "where": None,
        "moderators": None,
    },
    **{
        "sampler": "numpyro",
        "draws": 1000,
        "tune": 500,
        "chains": 4,
        "seed": 17,
        "model_sha256": "abc",
    },
    **{
        "sources": [{"name": "toy.csv", "sha256": "def", "found_in": "file"}],
        "notes": ["A note with 12 in it."],
    },
    **{
        "git_commit": "0123abc",
        "versions": {"python": "3.13.0", "bayesmeta": "0.1.0", "pymc": "6.4.0"},
    },
    **{"created": "2026-01-02T03:04:05+00:00", "out": "reports/toy/three-level"},
}
DIAGNOSTICS = {
    **{
        "passed": True,
        "failures": [],
        "warnings": [],
        "divergences": 0,
        "max_r_hat": 1.0034,
        "min_ess_bulk": 6034.2,
    },
    **{"min_ess_tail": 2735.1, "bfmi": 1.061},
    "rules": {"max_r_hat": 1.01, "min_ess": 400, "divergences": 0, "min_bfmi": 0.3},
}


def estimates(name: str, **means: float) -> pd.DataFrame:
    """A table of means with intervals of .3 on both sides; `_` in a name stands for a colon."""
    rows = [
        {
            name: term.replace("_", ":"),
            "mean": mean,
            "sd": 0.15,
            "ci_lb": mean - 0.3,
            "ci_ub": mean + 0.3,
        }
        | {"p_positive": float(mean > 0), "p_rope": 0.01, "ess_bulk": 6000.4, "r_hat": 1.0012}
        for term, mean in means.items()
    ]
    return pd.DataFrame(rows)


def tables_of_fit(**means: float) -> dict[str, pd.DataFrame]:
    """The tables of a fit: terms, contrasts, heterogeneity, prediction."""
    terms = estimates("term", **means)
    levels = {
        "level": ["study", "group", "total"],
        "tau_mean": [1.21, 0.47, 1.3],
        "i2_mean": [75.4, 11.8, 87.3],
    }
    bounds = {
        f"{name}_ci_{end}": [1.03, 0.35, 1.14] for name in ("tau", "i2") for end in ("lb", "ub")
    }
    prediction = [
        {
            "term": row["term"],
            "level": level,
            "pi_lb": row["mean"] - 2.5,
            "pi_ub": row["mean"] + 2.5,
        }
        for level in ("study", "group")
        for row in terms.to_dict("records")
    ]
    return {
        "terms": terms,
        "contrasts": terms.rename(columns={"term": "contrast"}),
        "heterogeneity": pd.DataFrame(levels | bounds),
        "prediction": pd.DataFrame(prediction),
    }


CELLS = {"neutral_memory": -1.36, "fear_memory": 0.91, "trauma_extinction": 0.1}
COMPARISON = pd.DataFrame(
    {
        "term": ["neutral:memory", "fear:memory", "trauma:extinction", "tau_study"],
        **{
            "estimate": [-1.37, 0.9, 0.1, 1.2],
            "se": [0.1, 0.1, 0.1, np.nan],
            "ci_lb": [-1.6, 0.6, -0.2, 1.0],
        },
        **{
            "ci_ub": [-1.1, 1.2, 0.4, 1.4],
            "mean": [-1.36, 0.91, 0.1, 1.21],
            "cri_lb": [-1.66, 0.61, -0.2, 1.03],
        },
        **{
            "cri_ub": [-1.06, 1.21, 0.4, 1.4],
            "shift": [0.12, -0.23, 0.01, 0.9],
            "why": ["they agree"] * 4,
        },
        **{
            "side_frequentist": ["below", "above", "open", "above"],
            "side_posterior": ["below", "above", "open", "above"],
        },
    }
)
DOUBTS = {
    "check": pd.DataFrame(
        {
            "check": ["convergence", "funnel", "bias models"],
            "state": ["passed", "review", "review"],
            "sentence": ["fine", "it leans by 3.1", "slope 1.01"],
        }
    ),
    "bias_cells": pd.concat(
        [
            estimates("contrast", **CELLS).assign(model="unadjusted"),
            estimates("contrast", **CELLS | {"fear_memory": 0.2}).assign(model="PET"),
        ]
    ),
    "lint": pd.DataFrame(
        {
            "finding": [1, 2, 3],
            "rank": [1, 1, 2],
            "code": ["sem-as-sd", "sem-as-sd", "sd-zero"],
            "title": [
                "Standard errors typed as standard deviations: study 9",
                "The same: study 8",
                "A zero",
            ],
        }
    ),
    "lint_refits": pd.DataFrame(
        {
            "finding": ["1", "2", "3"],
            "contrast": ["fear:memory", "fear:memory", "neutral:memory"],
            "changed": [np.nan, "above zero → open", "x"],
        }
    ),
    "verdicts": pd.DataFrame(
        {
            "contrast": ["neutral:memory", "fear:memory", "trauma:extinction"],
            **{
                "p_base": [1.0, 1.0, 0.7],
                "least": [0.97, 0.35, 0.1],
                "under": ["rho", "comparison F", "PET"],
            },
            "verdict": ["weakens", "overturned", "open"],
        }
    ),
    "alternatives": pd.DataFrame({"alternative": ["base", "rho", "comparison F", "PET"]}),
}
SIDES = pd.DataFrame(
    {
        "contrast": [
            f"{cell}: human - animal"
            for cell in ("fear learning", "neutral memory", "extinction", "trauma memory")
        ],
        **{
            "mean": [-0.74, 0.76, 0.1, -1.4],
            "ci_lb": [-1.2, 0.4, -0.2, -2.0],
            "ci_ub": [-0.3, 1.1, 0.4, -0.8],
        },
        **{"p_positive": [0.00075, 1.0, 0.7, 0.0], "first": "human", "second": "animal"},
        "exploratory": [False, False, False, True],
    }
)
CONCORDANCE = pd.DataFrame(
    [
        (name, statement, p)
        for name, p in (("impaired", 1.0), ("enhanced", 0.01))
        for statement in ("one > 0", "both")
    ],
    columns=["phenotype", "statement", "p"],
)


def folder(
    at: Path,
    tables: dict[str, pd.DataFrame],
    *,
    scale: str = TRACE,
    toml: str = MODEL,
    **about: Any,
) -> Results:
    """A folder of results written by hand, and read again."""
    (at / "tables").mkdir(parents=True)
    for name, table in tables.items():
        path = at.joinpath(*name.split("/")[:-1], "tables", f"{name.split('/')[-1]}.csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(path, index=False)
    (at / "provenance.json").write_text(json.dumps(ABOUT | about))
    (at / "diagnostics.json").write_text(json.dumps(DIAGNOSTICS))
    with h5py.File(at / "posterior.nc", "w") as file:
        design = file.create_group("constant_data")
        design.attrs.update(
            {"model": spec_to_json(parse_spec(toml, "three-level")), "scale": scale}
        )
        for name, size in {"effect": 1086, "group": 302, "study": 184, "term": 3}.items():
            design[name] = np.arange(size)
    return read_results(at)


def bare(text: str) -> str:
    """Text without what may hold digits: data elements, citations, code, the level of intervals."""
    return re.sub(
        r"<(data|cite|code|a)\b.*?</\1>|<[^>]*>|95 %|CR2|SHA-256",
        "",
        unescape(text),
        flags=re.DOTALL,
    )
