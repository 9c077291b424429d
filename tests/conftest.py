"""Fixtures of all rooms: the raw TRACE files and the reference table, if this machine has them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmeta.data import sources
from bayesmeta.inference.compiling import start_jax
from bayesmeta.infrastructure.files import root
from bayesmeta.model.design.contrasts import with_model
from bayesmeta.model.spec import parse_spec
from promised import unavailable
from raw_tables import attrs_of

start_jax(devices=4)  # before the first test that uses JAX


@pytest.fixture(scope="session")
def trace_data() -> dict[str, sources.Source]:
    """The raw TRACE files by key, found without a download."""
    found = {key: sources.find(key) for key in sources.register()["files"]}
    missing = [key for key, source in found.items() if source is None]
    if missing:
        unavailable(f"raw TRACE files {missing}")
    return {key: source for key, source in found.items() if source is not None}


@pytest.fixture(scope="session")
def trace_oracle() -> pd.DataFrame:
    """The table that R and metafor made from the raw files, as text; blank and NA are ""."""
    path = root() / ".." / "shared" / "reference" / "trace_effects.csv"
    if not Path(path).is_file():
        unavailable("the reference table trace_effects.csv")
    table = pd.read_csv(path, dtype=str, keep_default_na=False).replace("NA", "")
    return table.set_index(table["search"] + ":" + table["sheet_row"])


@pytest.fixture(scope="session")
def simulated() -> pd.DataFrame:
    """240 effects of 60 studies with known truth: taus .6 and .3, neutral -.5, fear .5."""
    rng = np.random.default_rng(7)
    study, group = np.repeat(np.arange(60), 4), np.repeat(np.arange(120), 2)
    valence = np.where(rng.random(240) < 0.5, "neutral", "fear")
    theta = (
        np.where(valence == "fear", 0.5, -0.5)
        + rng.normal(0, 0.6, 60)[study]
        + rng.normal(0, 0.3, 120)[group]
    )
    vi = rng.uniform(0.05, 0.4, 240)
    frame = pd.DataFrame(
        {
            "study": [f"s{i}" for i in study],
            "group": [f"g{i}" for i in group],
            "effect": [f"e{i}" for i in range(240)],
            "yi": theta + rng.normal(0, np.sqrt(vi)),
            "vi": vi,
            "valence": pd.Categorical(valence, ["neutral", "fear"]),
            "phase": pd.Categorical(["memory"] * 240, ["memory"]),
        }
    )
    frame.attrs = attrs_of("simulated")
    return frame


@pytest.fixture(scope="session")
def sized(simulated: pd.DataFrame) -> pd.DataFrame:
    """The simulated table with sizes of both groups, which its yi and vi do not follow from."""
    rng = np.random.default_rng(2)
    frame = simulated.assign(
        n1i=rng.integers(4, 40, len(simulated)), n2i=rng.integers(4, 40, len(simulated))
    )
    frame.attrs = simulated.attrs
    return frame


@pytest.fixture(scope="session")
def handmade() -> xr.DataTree:
    """A tree by hand: 2 terms, 3 studies (one with two groups), 5 effects, 2 x 500 draws."""
    rng = np.random.default_rng(3)
    draws = {"chain": [0, 1], "draw": np.arange(500)}
    labels = {
        "study": list("abc"),
        "group": ["a1", "b1", "b2", "c1"],
        "effect": [f"e{i}" for i in range(5)],
    }
    terms = {"term": ["neutral:memory", "fear:memory"]}

    def normal(mean: object, sd: float, *dims: str) -> xr.DataArray:
        sizes = [2, 500, *(len({**labels, **terms}[dim]) for dim in dims)]
        return xr.DataArray(rng.normal(mean, sd, sizes), dims=("chain", "draw", *dims))

    posterior = xr.Dataset(
        {
            "beta": normal([-1.0, 0.5], 0.1, "term"),
            "u": normal(0, 0.2, "study"),
            "w": normal(0, 0.1, "group"),
            "tau_study": abs(normal(0.8, 0.05)),
            "tau_group": abs(normal(0.3, 0.05)),
        },
        {**draws, **terms, "study": labels["study"], "group": labels["group"]},
    )
    design = xr.Dataset(
        {
            "yi": ("effect", [-1.0, -0.9, 0.4, 0.6, -1.2]),
            "vi": ("effect", [0.1, 0.2, 0.1, 0.3, 0.2]),
            "X": (("effect", "term"), [[1, 0], [1, 0], [0, 1], [0, 1], [1, 0]]),
            "kind_of_term": ("term", ["mean", "mean"]),
            "effect_group": ("effect", [0, 1, 2, 2, 3]),
            "group_study": ("group", [0, 1, 1, 2]),
        },
        {**labels, **terms},
        attrs={"dataset": "handmade", "scale": "g"},
    )
    design = with_model(design, parse_spec(MODEL, "handmade"))
    stats = xr.Dataset({"diverging": (("chain", "draw"), np.zeros((2, 500), bool))}, draws)
    stats["energy"] = normal(0, 1)
    prior = posterior[["tau_study", "tau_group", "beta"]] + 1.0
    groups = {
        "posterior": posterior,
        "prior": prior,
        "sample_stats": stats,
        "constant_data": design,
    }
    return xr.DataTree.from_dict(groups)


MODEL = """
terms = "0 + valence:phase"
levels = ["study", "group"]
rope = 0.3
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
[contrasts]
"fear - neutral" = "fear:memory - neutral:memory"
"half" = "0.5 * fear:memory + 0.5 * neutral:memory"
"gone" = "fear:memory - emptied:memory"
"""
