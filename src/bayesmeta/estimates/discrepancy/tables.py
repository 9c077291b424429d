r"""Do two sides agree? Differences between levels of a factor of the terms (persons, animals), with all uncertainty.

A contrast with terms of two sides is the first side's part minus the second's: for `human:emotional:memory -
human:neutral:memory - animal:fear:memory + animal:neutral:memory` the two parts are how much emotion changes memory in
persons, and how much fear does in animals.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import contrasts_of
from bayesmeta.estimates.summaries import BOUNDS, sizes_table
from bayesmeta.model.spec import spec_of

FEWEST = 4  # studies on each side; the paper draws no conclusion from cells with fewer


class Sides(NamedTuple):
    """A contrast taken apart: the names of its two sides, and the draws of each part (sample,)."""

    names: tuple[str, str]
    draws: tuple[np.ndarray, np.ndarray]
    terms: tuple[list[str], list[str]]


def sides_of(tree: xr.DataTree, *, group: str = "posterior") -> dict[str, Sides]:
    """The contrasts of a tree that have terms of exactly two sides, by name; none where the model names no sides."""
    factor = spec_of(tree).sides
    if not factor:
        return {}
    side = dict(
        zip(
            *(tree["constant_data"][name].values for name in ("term", f"term_{factor}")),
            strict=True,
        )
    )
    beta = tree[group].to_dataset()["beta"].stack(sample=("chain", "draw"))
    found = {}
    for row in contrasts_of(tree):
        used = row.where(row != 0, drop=True)
        names = list(dict.fromkeys(side[term] for term in used["term"].values))
        if len(names) != 2:
            continue
        parts = [
            used.isel(term=[side[term] == name for term in used["term"].values]) for name in names
        ]
        first, second = (xr.dot(part, beta, dim="term").values for part in parts)
        terms = ([str(term) for term in part["term"].values] for part in parts)
        found[str(row["contrast"].item())] = Sides(
            (names[0], names[1]), (first, -second), (next(terms), next(terms))
        )
    return found


def discrepancies_table(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise the contrasts between two sides.

    Returns
    -------
    DataFrame
        contrast; mean, sd, ci_lb, ci_ub (95 % equal-tailed), p_positive; p_opposite: the two parts have opposite signs;
        p_rope = P(|contrast| < the model's rope); prior_mean, prior_sd, prior_ci_lb, prior_ci_ub: the same under the
        prior alone; contraction = 1 - variance / prior variance; shift = (mean - prior mean) / prior sd; first,
        second: the sides' names, and for each _mean, _ci_lb, _ci_ub, _k, _studies (the fewest of its terms);
        exploratory: a side has fewer than 4 studies; conclusion: a sentence.
    """
    prior, sizes, rope = (
        sides_of(tree, group="prior"),
        sizes_table(tree).set_index("term"),
        spec_of(tree).rope,
    )
    rows = []
    for name, sides in sides_of(tree).items():
        first, second = sides.draws
        before = summary(prior[name].draws[0] - prior[name].draws[1])
        row: dict[str, Any] = {"contrast": name, **summary(first - second)}
        row |= {
            "p_opposite": np.mean(first * second < 0),
            "p_rope": np.mean(np.abs(first - second) < rope),
        }
        row |= {f"prior_{key}": value for key, value in before.items() if key != "p_positive"}
        row |= {"contraction": 1 - (row["sd"] / before["sd"]) ** 2}
        row |= {"shift": (row["mean"] - before["mean"]) / before["sd"]}
        for place, side, draws, terms in zip(
            ("first", "second"), sides.names, sides.draws, sides.terms, strict=True
        ):
            part = {
                key: value
                for key, value in summary(draws).items()
                if key not in ("sd", "p_positive")
            }
            part |= {"k": sizes.loc[terms, "k"].min(), "studies": sizes.loc[terms, "studies"].min()}
            row |= {place: side} | {f"{place}_{key}": value for key, value in part.items()}
        row["exploratory"] = min(row["first_studies"], row["second_studies"]) < FEWEST
        rows.append(row | {"conclusion": conclude(row, rope)})
    return pd.DataFrame(rows)


def summary(draws: np.ndarray) -> dict[str, float]:
    """Mean, sd, 95 % equal-tailed interval and P(> 0) of draws (sample,)."""
    lower, upper = np.quantile(draws, BOUNDS)
    return {
        "mean": float(draws.mean()),
        "sd": float(draws.std(ddof=1)),
        "ci_lb": float(lower),
        "ci_ub": float(upper),
        "p_positive": float(np.mean(draws > 0)),
    }


def conclude(row: Mapping[str, Any], rope: float) -> str:
    """One sentence or two on a discrepancy, numbers included; no verdict where a side has fewer than 4 studies."""
    sides = " and ".join(
        f"{row[place]} {row[f'{place}_mean']:.2f} [{row[f'{place}_ci_lb']:.2f}, {row[f'{place}_ci_ub']:.2f}] "
        f"({_counted(row[f'{place}_studies'], 'study', 'studies')})"
        for place in ("first", "second")
    )
    p = max(row["p_positive"], 1 - row["p_positive"])
    where = "higher" if row["mean"] > 0 else "lower"
    lower, upper = sorted(np.sign(row["mean"]) * np.array([row["ci_lb"], row["ci_ub"]]))
    if row["exploratory"]:
        few = "; ".join(
            _counted(row[f"{place}_studies"], f"{row[place]} study", f"{row[place]} studies")
            for place in ("first", "second")
            if row[f"{place}_studies"] < FEWEST
        )
        return (
            f"{sides}: the difference is {row['mean']:.2f} [{row['ci_lb']:.2f}, {row['ci_ub']:.2f}], "
            f"P({row['first']} {where}) {_probability(p)}, but it rests on {few}: a lead to follow, not a finding."
        )
    if p > 0.975:
        size = f"{abs(row['mean']):.2f} [{lower:.2f}, {upper:.2f}]"
        verdict = f"{row['first']} is {where}, by {size} (P {_probability(p)})"
    elif row["p_rope"] > 0.95:
        verdict = f"the sides agree within {rope:g} (P {_probability(row['p_rope'])})"
    else:
        verdict = (
            f"which side is higher is not settled: the difference is {row['mean']:.2f} [{row['ci_lb']:.2f}, "
            f"{row['ci_ub']:.2f}], P({row['first']} {where}) {_probability(p)}"
        )
    opposite = f" The two have opposite signs, P {_probability(row['p_opposite'])}."
    return f"{sides}: {verdict}." + (
        opposite if row["p_opposite"] > 0.025 else " The two have the same sign."
    )


def _counted(number: int, one: str, several: str) -> str:
    return f"{number or 'no'} {one if number == 1 else several}"


def _probability(p: float) -> str:
    """`= .93`, a third digit above .95, `> .999` beyond: never 1 from a finite number of draws."""
    return "> .999" if p > 0.999 else "= " + f"{p:.{3 if p > 0.95 else 2}f}".lstrip("0")
