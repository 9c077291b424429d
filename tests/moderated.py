"""Simulated effects with a number and a category as moderators.

Further, a posterior of any formula without sampling.
"""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.model.design import build_design
from bayesmeta.model.design.contrasts import with_model
from bayesmeta.model.spec import parse_spec

TEXT = """
terms = "{terms}"
levels = ["study", "group"]
{more}
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
"""
SLOPE, STEP = 0.08, 0.5  # per unit of dose; of rats over mice

FORMULA = "~ dose * species + phase"


def effects(studies: int = 40) -> pd.DataFrame:
    """Three effects a study, in two groups.

    Year and species differ between studies, dose and phase within.
    """
    rng = np.random.default_rng(5)
    study = np.repeat(np.arange(studies), 3)
    group = 2 * study + np.tile([0, 0, 1], studies)
    frame = pd.DataFrame({"study": [f"s{i}" for i in study], "group": [f"g{i}" for i in group]})
    frame["effect"] = [f"e{i}" for i in range(len(frame))]
    frame["year"] = rng.integers(1990, 2022, studies)[study].astype(float)
    frame["dose"] = rng.uniform(0.5, 9, len(frame)).round(1)
    frame["species"] = pd.Categorical(
        rng.choice(["mouse", "rat"], studies)[study], ["rat", "mouse"]
    )
    frame["phase"] = rng.choice(["learning", "memory"], len(frame), p=[0.7, 0.3])
    frame["vi"] = rng.uniform(0.02, 0.2, len(frame)).round(3)
    theta = 0.2 + SLOPE * frame["dose"] + STEP * (frame["species"] == "rat")
    theta = theta + rng.normal(0, 0.4, studies)[study] + rng.normal(0, 0.2, 2 * studies)[group]
    frame["yi"] = (theta + rng.normal(0, np.sqrt(frame["vi"]))).round(3)
    frame.attrs = {
        "dataset": "moderated",
        "title": "moderated",
        "synthetic": False,
        "sources": [],
        "notes": [],
    }
    return frame


def tree_of(frame: pd.DataFrame, terms: str, *, draws: int = 400, more: str = "") -> xr.DataTree:
    """A posterior whose draws are random numbers around least squares."""
    spec = parse_spec(TEXT.format(terms=terms, more=more), "moderated")
    design, rng = build_design(frame, spec), np.random.default_rng(1)
    x, y = design["X"].values, design["yi"].values
    spread = np.linalg.cholesky(np.linalg.inv(x.T @ x / 0.5))
    beta = np.linalg.lstsq(x, y)[0] + rng.normal(size=(2, draws, x.shape[1])) @ spread.T
    taus = {}
    for level, middle in (("study", 0.4), ("group", 0.2)):
        if spec.tau_by:
            strata = design.sizes["stratum"]
            values = np.abs(rng.normal(middle, 0.05, (2, draws, strata))) * np.arange(1, strata + 1)
            taus[f"tau_{level}"] = (("chain", "draw", "stratum"), values)
        else:
            taus[f"tau_{level}"] = (("chain", "draw"), np.abs(rng.normal(middle, 0.05, (2, draws))))
    coords = {"chain": [0, 1], "draw": range(draws), "term": design["term"].values}
    coords |= {"stratum": design["stratum"].values} if spec.tau_by else {}
    posterior = xr.Dataset({"beta": (("chain", "draw", "term"), beta)} | taus, coords)
    saved = with_model(design, spec)
    return xr.DataTree.from_dict({"posterior": posterior, "constant_data": saved})
