"""Synthetic twins of the TRACE datasets: the same shape and truth as published, no row of anyone's data.

Every figure is in `data/twin.toml` with its source. True effects are

    theta = beta[valence, phase] + u[study] + w[group],  u ~ N(0, tau2_study),  w ~ N(0, tau2_group)

and each effect's means and standard deviations are those of two normal samples, theta standard deviations
apart.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmeta.data.effect_sizes import MEASURES, TWO_GROUPS
from bayesmeta.data.schema import check_effects, nearest
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import root

Figures = Mapping[str, Any]

ORDER = {
    "species": ["human", "rat", "mouse"],
    "comparison": list("ACDEF"),
    "phase": ["learning", "memory", "extinction"],
    "valence": ["neutral", "emotional", "fear", "trauma"],
}
COLUMNS = ("effect", "study", "group", *ORDER, *TWO_GROUPS, "yi", "vi")
NOTES = (
    "Simulated by bayesmeta from published figures (data/twin.toml); no row of it was observed.",
    "Studies, groups, effects, participants, and effects and studies per cell equal the published counts; "
    "which study has which cell, group sizes and units are drawn at random.",
    "Controls of a study share their size but not their data: errors are independent, as the models assume.",
)


def simulate(name: str) -> pd.DataFrame:
    """A synthetic twin, the same numbers at every call.

    Parameters
    ----------
    name : "preclinical-twin" or "clinical-twin".

    Returns
    -------
    DataFrame : a row per effect with effect, study, group; species, comparison, phase, valence (categories);
        m1i, sd1i, n1i, m2i, sd2i, n2i (the outcome's own unit); yi, vi (Hedges' g). `attrs["truth"]` holds
        what was planted: beta by "valence:phase", tau_study, tau_group.

    Raises
    ------
    BadInput
        No twin has that name.
    """
    twins = _figures()
    known = [twin for twin in twins if twin != "chosen"]
    if name not in known:
        raise BadInput(f"unknown twin {name!r}{nearest(name, known)}; known: {', '.join(known)}")
    figures, chosen = twins[name], twins["chosen"]
    rng = np.random.default_rng(figures["seed"])
    rows = _structure(figures, chosen, rng)
    rows = rows.assign(species=_species(rows["study"], figures["species"], rng))
    rows = _outcomes(_sizes(rows, figures, chosen, rng), figures, chosen, rng)
    frame = check_effects(_labelled(rows))
    truth = {f"{cell['valence']}:{cell['phase']}": cell["beta"] for cell in figures["cells"]}
    taus = {
        f"tau_{level}": float(np.sqrt(figures[f"tau2_{level}"])) for level in ("study", "group")
    }
    frame.attrs = {
        "dataset": name,
        "synthetic": True,
        "title": figures["title"],
        "sources": [],
        "notes": list(NOTES),
        "truth": {"beta": truth} | taus,
    }
    return frame


@cache
def _figures() -> Figures:
    return tomllib.loads((root() / "data" / "twin.toml").read_text(encoding="utf-8"))


def _structure(figures: Figures, chosen: Figures, rng: np.random.Generator) -> pd.DataFrame:
    """A row per effect with study and group (numbers from 0), valence, phase, comparison, beta."""
    circle, start, cells = rng.permutation(figures["studies"]), 0, []
    for cell in figures["cells"]:
        # consecutive on the circle: no study twice in a cell, and together the cells reach every study
        studies = np.sort(np.take(circle, range(start, start + cell["studies"]), mode="wrap"))
        start += cell["studies"]
        comparisons = np.repeat(list(cell["k"]), list(cell["k"].values()))
        k = 1 + _shared(len(comparisons) - len(studies), len(studies), chosen["spread_k"], rng)
        known = {name: cell[name] for name in ("valence", "phase", "beta")}
        cells.append(
            pd.DataFrame({"study": np.repeat(studies, k), "comparison": comparisons, **known})
        )
    rows = pd.concat(cells).sort_values("study", kind="stable", ignore_index=True)
    return rows.assign(group=_groups(rows["study"], figures["groups"], rng))


def _groups(study: pd.Series, groups: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Group numbers: a study's first effect opens a group, and so do effects drawn among the others."""
    opens = ~study.duplicated().to_numpy()
    opens[rng.choice(np.flatnonzero(~opens), groups - opens.sum(), replace=False)] = True
    return np.cumsum(opens) - 1


def _species(
    study: pd.Series, effects: Mapping[str, int], rng: np.random.Generator
) -> NDArray[np.str_]:
    """One species per study; the rarer ones take studies at random for as long as they fit in their count."""
    k = study.value_counts(sort=False).sort_index().to_numpy()
    common, *rarer = sorted(effects, key=lambda species: -effects[species])
    of_study = np.full(len(k), common, dtype="<U8")
    for species in rarer:
        left = effects[species]
        for one in rng.permutation(len(k)):
            if of_study[one] == common and k[one] <= left:
                of_study[one], left = species, left - k[one]
    return np.take(of_study, study)


def _sizes(
    rows: pd.DataFrame, figures: Figures, chosen: Figures, rng: np.random.Generator
) -> pd.DataFrame:
    """The rows with n1i of their group and n2i of their study's controls; these add up to the published N."""
    samples = figures["groups"] + figures["studies"]
    more = figures["participants"] - samples * chosen["least_n"]
    n = chosen["least_n"] + _shared(more, samples, chosen["spread_n"], rng)
    return rows.assign(n1i=n[rows["group"]], n2i=n[figures["groups"] + rows["study"]])


def _outcomes(
    rows: pd.DataFrame, figures: Figures, chosen: Figures, rng: np.random.Generator
) -> pd.DataFrame:
    """The rows with means, standard deviations, yi and vi."""
    u = rng.normal(0, np.sqrt(figures["tau2_study"]), int(figures["studies"]))
    w = rng.normal(0, np.sqrt(figures["tau2_group"]), int(figures["groups"]))
    theta = rows["beta"].to_numpy() + u[rows["study"]] + w[rows["group"]]
    unit = rng.lognormal(chosen["unit_log_mean"], chosen["unit_log_sd"], len(rows))
    columns = {}
    for number, shift in (("1", theta), ("2", np.zeros(len(rows)))):
        n = rows[f"n{number}i"].to_numpy()
        columns[f"m{number}i"] = unit * (
            chosen["outcome_mean"] + shift + rng.normal(0, 1 / np.sqrt(n))
        )
        columns[f"sd{number}i"] = unit * np.sqrt(rng.chisquare(n - 1) / (n - 1))
    rows = rows.assign(**columns)
    groups: dict[str, Any] = {name: rows[name] for name in TWO_GROUPS}
    yi, vi = MEASURES["SMD"](**groups)
    return rows.assign(yi=yi, vi=vi)


def _labelled(rows: pd.DataFrame) -> pd.DataFrame:
    """The columns in order, with labels that nobody takes for a study's and categories that occur."""
    within = rows["group"] - rows.groupby("study")["group"].transform("min") + 1
    study = "twin-" + (rows["study"] + 1).astype(str).str.zfill(3)
    number = rows.groupby("study").cumcount().add(1).astype(str)
    rows = rows.assign(
        study=study, group=study + "." + within.astype(str), effect=study + ":" + number
    )
    present = {
        name: [one for one in order if (rows[name] == one).any()] for name, order in ORDER.items()
    }
    return rows[list(COLUMNS)].astype(
        {name: pd.CategoricalDtype(order) for name, order in present.items()}
    )


def _shared(total: int, parts: int, spread: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """`total` split at random into `parts` whole numbers, more unequally the smaller `spread` is."""
    return rng.multinomial(total, rng.dirichlet(np.full(parts, spread)))
