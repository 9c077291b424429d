"""Figures of single studies, from tables by hand."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayesmeta.output import figures
from drawings import LABELS, Size, drawn

NAMES = ["Ng 2001", "García-Moreno et al. 1998", "Van den Heuvel, O’Connor and Smith-Jones 2014"]


def study_rows(
    studies: int, *, effects: int = 1, cells: int = 1, names: list[str] | None = None
) -> pd.DataFrame:
    """The table of a forest: in every cell studies of so many effects, and their mean."""
    rows: list[dict[str, Any]] = []
    names = names or NAMES
    per_cell = -(-studies // cells)
    for at in range(studies):
        cell = f"species_{at // per_cell}:memory" if cells > 1 else ""
        label = f"{names[at % len(names)]}{'abc'[at % 3]}"
        numbers = interval(np.sin(at) + 0.3, 0.2 + 0.5 * (at % 4))
        about = {"cell": cell, "study": f"{label} {at}", "label": label, "k": effects}
        row = about | numbers | {"part": "study", "weight": 100 / studies}
        rows.append(
            row | {"n1": "12–140", "randomisation": ["low", "high, low", "unclear"][at % 3]}
        )
        if effects > 1 and at % 2:
            nested = {"part": "effect", "n1": "12", "weight": 50 / studies, "k": 1}
            rows += [
                row | nested | {"label": f"{row['study']}:{number}"} for number in range(effects)
            ]
        if (at + 1) % per_cell == 0 or at == studies - 1:
            mean = {"part": "mean", "cell": cell, "estimate": 0.31, "ci_lb": 0.1, "ci_ub": 0.52}
            mean |= {"pi_lb": -0.9, "pi_ub": 1.5, "pi_level": "study", "weight": 100 / cells}
            rows.append(mean | {"k": per_cell * effects, "studies": per_cell})
    return pd.DataFrame(rows)


def interval(estimate: float, reach: float) -> dict[str, float]:
    """An estimate, its interval, and a shrunken one."""
    ends = {"estimate": estimate, "ci_lb": estimate - reach, "ci_ub": estimate + reach}
    middle = 0.5 * estimate
    return ends | {
        "shrunken": middle,
        "shrunken_lb": middle - 0.4 * reach,
        "shrunken_ub": middle + 0.4 * reach,
    }


def effects_of(size: Size) -> pd.DataFrame:
    at = np.arange(size.studies)
    names = size.names(size.terms)
    return pd.DataFrame(
        {
            "cell": [names[row % len(names)] for row in at],
            "label": size.authors(),
            "yi": np.sin(at),
            "sei": 0.1 + 0.05 * (at % 7),
            "mean": 0.3,
            "weight": 1.0 + at % 5,
            "x": 1 + at % 7,
            "y": np.sin(at) * 3,
            "control": (1 + at % 9) / 10,
            "treated": (1 + at % 7) / 10,
        }
    )


@drawn
def forest(size: Size) -> Figure:
    names = [f"{author} (2019)" for author in size.authors()[:20]]
    table = study_rows(20, cells=2, names=names)
    more = {"columns": ["n1"], "domains": ["randomisation"], "note": "tau 0.4 [0.2, 0.7]"}
    return figures.draw_forest(table, **more, **LABELS)[-1]


@drawn
def contours(size: Size) -> Figure:
    return figures.draw_contours(effects_of(size), **LABELS)


@drawn
def z_values(size: Size) -> Figure:
    z = np.linspace(-5.6, 5.6, 24)
    bins = pd.DataFrame({"z": z, "observed": np.arange(24) * size.studies, "mean": 20.0})
    bins = bins.assign(ci_lb=10.0, ci_ub=30.0, before=22.0)
    rates = pd.DataFrame({"rate": ["observed", "expected", "false"]})
    rates = rates.assign(mean=0.4, ci_lb=0.3, ci_ub=0.5)
    return figures.draw_z_values(bins, rates, title=LABELS["title"])


def judged(size: Size) -> tuple[pd.DataFrame, list[str]]:
    domains = [f"domain {at}" + " of a form with long names" * size.long for at in range(7)]
    words = ["low", "high, low", "some concerns", "", "critical"]
    columns = {
        name: [words[(at * row) % 5] for row in range(size.studies)]
        for at, name in enumerate(domains)
    }
    return pd.DataFrame({"label": size.authors(), **columns}), domains


@drawn
def traffic_lights(size: Size) -> Figure:
    table, domains = judged(size)
    return figures.draw_traffic_lights(table, domains=domains, title=LABELS["title"])[0]


@drawn
def judgements(size: Size) -> Figure:
    table, domains = judged(size)
    return figures.draw_judgements(table, domains=domains, title=LABELS["title"])


@drawn
def radial(size: Size) -> Figure:
    return figures.draw_radial(effects_of(size), **LABELS)


@drawn
def labbe(size: Size) -> Figure:
    return figures.draw_labbe(effects_of(size), title=LABELS["title"])
