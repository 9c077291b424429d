"""Synthetic twins of the TRACE datasets: the published shape and truth, and no row of real data.

Every figure is in `data/twin.toml` with its source. True effects are

    theta = beta[valence, phase] + u[study] + w[group],  u ~ N(0, tau2_study),  w ~ N(0, tau2_group)

and means and standard deviations of an effect are those of two normal samples, theta standard
deviations apart.
"""

import tomllib
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmeta.data.datasets import trace
from bayesmeta.data.datasets.dataset import Dataset
from bayesmeta.data.datasets.trace import sets
from bayesmeta.data.datasets.trace.alternatives import alternatives_of_twin
from bayesmeta.data.effect_sizes import MEASURES, TWO_GROUPS
from bayesmeta.data.schema import check_effects
from bayesmeta.infrastructure.choices import check_known
from bayesmeta.infrastructure.files import root

Figures = Mapping[str, Any]
Random = np.random.Generator

CATEGORIES = ("species", "comparison", "phase", "valence")
COLUMNS = ("effect", "study", "group", *CATEGORIES, *TWO_GROUPS, "yi", "vi")
NOTES = (
    "Simulated by bayesmeta from published figures (data/twin.toml); no row of it was observed.",
    "Studies, groups, effects, participants, and effects and studies per cell equal the published "
    "counts; the cells of a study, group sizes and units are drawn at random.",
    "Controls of a study share their size but not their data: errors are independent, as the "
    "models assume.",
)


def simulate(name: str) -> pd.DataFrame:
    """Return a synthetic twin, "preclinical-twin" or "clinical-twin", the same at every call.

    Columns: effect, study, group; species, comparison, phase, valence (categories); m1i, sd1i, n1i,
    m2i, sd2i, n2i (in the outcome's unit); yi, vi (Hedges' g). `attrs["truth"]` holds the values
    behind the simulation: beta by "valence:phase", tau_study, tau_group. Raise BadInput if no twin
    has that name.
    """
    twins = _figures()
    check_known("twin", name, [twin for twin in twins if twin != "chosen"])
    figures = twins["chosen"] | twins[name]
    rng = np.random.default_rng(figures["seed"])
    rows = _structure(figures, rng)
    rows = rows.assign(species=_species(rows["study"], figures["species"], rng))
    rows = _outcomes(_sizes(rows, figures, rng), figures, rng)
    frame = check_effects(_label(rows))
    beta = {f"{cell['valence']}:{cell['phase']}": cell["beta"] for cell in figures["cells"]}
    taus = {f"tau_{level}": figures[f"tau2_{level}"] ** 0.5 for level in ("study", "group")}
    about = {"dataset": name, "synthetic": True, "title": figures["title"], "sources": []}
    frame.attrs |= about | {"notes": list(NOTES), "truth": {"beta": beta, **taus}}
    return frame


@cache
def _figures() -> dict[str, dict[str, Any]]:
    return tomllib.loads((root() / "data" / "twin.toml").read_text(encoding="utf-8"))


def _structure(figures: Figures, rng: Random) -> pd.DataFrame:
    """Return effects with study and group (numbers from 0), valence, phase, comparison, beta."""
    circle = rng.permutation(figures["studies"])
    start = 0
    cells = []
    for cell in figures["cells"]:
        # consecutive on the circle: no study twice in a cell, and the cells reach every study
        places = range(start, start + cell["studies"])
        studies = np.sort(np.take(circle, places, mode="wrap"))
        start += cell["studies"]
        comparisons = np.repeat(list(cell["k"]), list(cell["k"].values()))
        k = 1 + _split(len(comparisons) - len(studies), len(studies), figures["spread_k"], rng)
        columns = {name: cell[name] for name in ("valence", "phase", "beta")}
        effects = {"study": np.repeat(studies, k), "comparison": comparisons, **columns}
        cells.append(pd.DataFrame(effects))
    rows = pd.concat(cells).sort_values("study", kind="stable", ignore_index=True)
    return rows.assign(group=_groups(rows["study"], figures["groups"], rng))


def _groups(study: pd.Series, groups: int, rng: Random) -> NDArray[np.int64]:
    """Return group numbers: a group begins at a study's first effect and at effects drawn."""
    begins = ~study.duplicated().to_numpy()
    drawn = rng.choice(np.flatnonzero(~begins), groups - begins.sum(), replace=False)
    begins[drawn] = True
    return np.cumsum(begins) - 1


def _species(study: pd.Series, effects: Mapping[str, int], rng: Random) -> NDArray[np.str_]:
    """Return a species per study; rarer species take random studies that fit in their count."""
    k = study.value_counts(sort=False).sort_index().to_numpy()
    common, *rarer = sorted(effects, key=lambda species: -effects[species])
    of_study = np.full(len(k), common, dtype="<U8")
    for species in rarer:
        left = effects[species]
        for number in rng.permutation(len(k)):
            if of_study[number] == common and k[number] <= left:
                of_study[number] = species
                left -= k[number]
    return np.take(of_study, study)


def _sizes(rows: pd.DataFrame, figures: Figures, rng: Random) -> pd.DataFrame:
    samples = figures["groups"] + figures["studies"]
    more = figures["participants"] - samples * figures["least_n"]
    n = figures["least_n"] + _split(more, samples, figures["spread_n"], rng)
    return rows.assign(n1i=n[rows["group"]], n2i=n[figures["groups"] + rows["study"]])


def _outcomes(rows: pd.DataFrame, figures: Figures, rng: Random) -> pd.DataFrame:
    u = rng.normal(0, np.sqrt(figures["tau2_study"]), int(figures["studies"]))
    w = rng.normal(0, np.sqrt(figures["tau2_group"]), int(figures["groups"]))
    theta = rows["beta"].to_numpy() + u[rows["study"]] + w[rows["group"]]
    unit = rng.lognormal(figures["unit_log_mean"], figures["unit_log_sd"], len(rows))
    columns = {}
    for arm, shift in (("1", theta), ("2", np.zeros(len(rows)))):
        n = rows[f"n{arm}i"].to_numpy()
        mean = figures["outcome_mean"] + shift + rng.normal(0, 1 / np.sqrt(n))
        columns[f"m{arm}i"] = unit * mean
        columns[f"sd{arm}i"] = unit * np.sqrt(rng.chisquare(n - 1) / (n - 1))
    rows = rows.assign(**columns)
    arms: dict[str, Any] = {name: rows[name] for name in TWO_GROUPS}
    yi, vi = MEASURES["SMD"](**arms)
    return rows.assign(yi=yi, vi=vi)


def _label(rows: pd.DataFrame) -> pd.DataFrame:
    within = rows["group"] - rows.groupby("study")["group"].transform("min") + 1
    study = "twin-" + (rows["study"] + 1).astype(str).str.zfill(3)
    group = study + "." + within.astype(str)
    effect = study + ":" + rows.groupby("study").cumcount().add(1).astype(str)
    rows = rows.assign(study=study, group=group, effect=effect)
    categories = {
        name: pd.CategoricalDtype([level for level in sets.ORDER[name] if level in {*rows[name]}])
        for name in CATEGORIES
    }
    return rows[list(COLUMNS)].astype(categories)


def _split(total: int, parts: int, evenness: float, rng: Random) -> NDArray[np.int64]:
    """Return random integers that add up to a total, more equal if `evenness` is large."""
    return rng.multinomial(total, rng.dirichlet(np.full(parts, evenness)))


DATASETS: Mapping[str, Dataset] = {
    f"{kind}-twin": Dataset(
        title=f"Synthetic twin of the {kind} dataset",
        reader=partial(simulate, f"{kind}-twin"),
        synthetic=True,
        scale=trace.SCALE,
        words=trace.WORDS,
        kind="species",
        alternatives=alternatives_of_twin,
        groupings=trace.GROUPINGS,
    )
    for kind in ("preclinical", "clinical")
}
