"""Simulated tables with raw numbers, for tests that look for mistakes in them."""

import numpy as np
import pandas as pd

from bayesmeta.data.effect_sizes import MEASURES, TWO_GROUPS

# mean, sd over mean
TASKS = {"maze": (60.0, 0.35), "freezing": (45.0, 0.5), "recall": (12.0, 0.25)}
KEYS = ["study", "group", "effect", "yi", "vi", "valence", "phase"]


MODEL = """
terms = "0 + valence"
levels = ["study", "group"]
[priors.terms]
prior = "Normal(0, 1.5)"
[priors.tau]
prior = "HalfNormal(1)"
[contrasts]
difference = "fear - neutral"
"""


def attrs_of(dataset: str) -> dict[str, object]:
    """Return the attributes of a made-up table."""
    return {"dataset": dataset, "title": dataset, "synthetic": False, "sources": [], "notes": []}


def simulate(seed: int, *, tau_effect: float = 0.0) -> pd.DataFrame:
    """Return raw numbers of 40 studies with a group or two and 4 effects, from normal samples."""
    rng = np.random.default_rng(seed)
    study = np.repeat(np.arange(40), 4)
    group = study * 2 + np.tile([0, 0, 1, 1], 40) * rng.integers(0, 2, 40)[study]
    task = rng.choice(list(TASKS), 40)[study]
    valence = np.where(rng.random(160) < 0.5, "neutral", "fear")
    theta = (
        np.where(valence == "fear", 0.6, -0.6)
        + rng.normal(0, 0.5, 40)[study]
        + rng.normal(0, 0.2, 80)[group]
    )
    theta = theta + rng.normal(0, tau_effect, 160)
    mean, cv = np.array([TASKS[name] for name in task]).T
    n1 = rng.integers(8, 40, 80)[group]
    n2 = rng.integers(8, 40, 40)[study]
    sd = mean * cv * rng.lognormal(0, 0.2, 40)[study]
    raw = {
        "m1i": mean + sd * (theta + rng.normal(0, 1 / np.sqrt(n1))),
        "sd1i": sd * np.sqrt(rng.chisquare(n1 - 1) / (n1 - 1)),
        "n1i": n1.astype(float),
        "m2i": mean + sd * rng.normal(0, 1 / np.sqrt(n2)),
        "sd2i": sd * np.sqrt(rng.chisquare(n2 - 1) / (n2 - 1)),
        "n2i": n2.astype(float),
    }
    frame = pd.DataFrame(raw).assign(
        study=[f"s{i:02}" for i in study], group=[f"g{i}" for i in group]
    )
    frame = frame.assign(
        effect=[f"e{i}" for i in range(160)], task=task, valence=pd.Categorical(valence)
    )
    frame = frame.assign(phase=pd.Categorical(["memory"] * 160))
    frame.attrs = attrs_of("simulated")
    return measured(frame)


def measured(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with yi and vi of its raw numbers."""
    yi, vi = MEASURES["SMD"](vtype="LS", rows=None, **{name: frame[name] for name in TWO_GROUPS})
    changed = frame.assign(yi=yi, vi=vi)
    changed.attrs = frame.attrs
    return changed


def with_sems(frame: pd.DataFrame, study: str) -> pd.DataFrame:
    """Return the table with SDs of a study divided by sqrt(n), as if SEMs were taken for SDs."""
    typed = frame.copy()
    rows = frame["study"] == study
    for arm in "12":
        typed.loc[rows, f"sd{arm}i"] = frame[f"sd{arm}i"] / np.sqrt(frame[f"n{arm}i"])
    return measured(typed)
