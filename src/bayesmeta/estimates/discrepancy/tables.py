"""Differences between two sides, with all their uncertainty, in numbers and in words.

A contrast with terms of two sides is the first side's part minus the second's. For
`human:emotional:memory - human:neutral:memory - animal:fear:memory + animal:neutral:memory` the two
parts are the change of memory by emotion in humans, and by fear in animals.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import contrasts_of, summary, term_draws
from bayesmeta.estimates.conventions import MIN_STUDIES, SETTLED
from bayesmeta.estimates.summaries import sizes_table
from bayesmeta.estimates.text import estimate_text, probability_statement
from bayesmeta.model.design.labels import level_coordinate
from bayesmeta.model.spec import spec_of

OF_EACH_SIDE = "standard deviations of each side"
UNITS = (
    "Each side is standardised by its standard deviations: equal sizes on two sides are not equal "
    "changes of behaviour. Signs do not depend on this."
)
NEGLIGIBLE = 0.95  # probability of the region of practical equivalence from which sides agree
FIRST_AND_SECOND = ("first", "second")
OF_A_SIDE = ("mean", "ci_lb", "ci_ub", "k", "studies")


class Sides(NamedTuple):
    """A contrast split by side: two names, the draws (sample,) and the terms of both parts."""

    names: tuple[str, str]
    draws: tuple[np.ndarray, np.ndarray]
    terms: tuple[list[str], list[str]]


def sides_of(tree: xr.DataTree, *, group: str = "posterior") -> dict[str, Sides]:
    """Return contrasts of exactly two sides by name, {} without sides; `group` may be `prior`."""
    factor = spec_of(tree).sides
    if not factor:
        return {}
    term = tree["constant_data"].to_dataset()["term"]
    side_of_term = dict(zip(term.values, term[level_coordinate(factor)].values, strict=True))
    beta = term_draws(tree, group)
    contrasts = {}
    for row in contrasts_of(tree):
        involved = row.where(row != 0, drop=True)
        sides = np.array([side_of_term[term] for term in involved["term"].values], object)
        if len(set(sides)) != 2:
            continue
        first, second = dict.fromkeys(sides)
        parts = [involved.isel(term=sides == side) for side in (first, second)]
        draws = [xr.dot(part, beta, dim="term").values for part in parts]
        terms = [[str(term) for term in part["term"].values] for part in parts]
        contrasts[str(row["contrast"].item())] = Sides(
            (first, second), (draws[0], -draws[1]), (terms[0], terms[1])
        )
    return contrasts


def discrepancies_table(tree: xr.DataTree) -> pd.DataFrame:
    """Summarise the contrasts between two sides.

    Columns: contrast; mean, sd, ci_lb, ci_ub (95 % equal-tailed), p_positive; p_opposite: the two
    parts have opposite signs; p_rope = P(|contrast| < the model's rope); prior_mean, prior_sd,
    prior_ci_lb, prior_ci_ub: the same under the prior alone; contraction = 1 - variance / prior
    variance; shift = (mean - prior mean) / prior sd; first, second: the sides' names, and for both
    _mean, _ci_lb, _ci_ub, _k, _studies (the fewest of its terms); of_differences: a part is a
    difference itself; exploratory: a side has fewer than 4 studies; unit, if that differs between
    sides (UNITS); conclusion: a sentence.
    """
    prior = sides_of(tree, group="prior")
    sizes = sizes_table(tree).set_index("term")
    rope = spec_of(tree).rope
    scale = str(tree["constant_data"].attrs.get("scale", ""))
    unit = OF_EACH_SIDE if scale.startswith("Hedges' g") else ""
    rows = []
    for name, sides in sides_of(tree).items():
        row = {"contrast": name} | _difference(sides, prior[name], rope)
        for place, side, draws, terms in zip(FIRST_AND_SECOND, *sides, strict=True):
            part = summary(draws) | {key: sizes.loc[terms, key].min() for key in ("k", "studies")}
            row |= {place: side} | {f"{place}_{key}": part[key] for key in OF_A_SIDE}
        row["of_differences"] = max(map(len, sides.terms)) > 1
        row["exploratory"] = min(row["first_studies"], row["second_studies"]) < MIN_STUDIES
        rows.append(row | {"unit": unit, "conclusion": conclude(row, rope)})
    return pd.DataFrame(rows)


def _difference(posterior: Sides, prior: Sides, rope: float) -> dict[str, Any]:
    first, second = posterior.draws
    after = summary(first - second)
    before = summary(np.subtract(*prior.draws))
    row = after | {"p_opposite": np.mean(first * second < 0)}
    row |= {"p_rope": np.mean(np.abs(first - second) < rope)}
    row |= {f"prior_{key}": before[key] for key in ("mean", "sd", "ci_lb", "ci_ub")}
    row |= {"contraction": 1 - (after["sd"] / before["sd"]) ** 2}
    return row | {"shift": (after["mean"] - before["mean"]) / before["sd"]}


def conclude(row: Mapping[str, Any], rope: float) -> str:
    """State what a row of `discrepancies_table` shows; no verdict for a side of under 4 studies."""
    sides = " and ".join(_side_text(row, place) for place in FIRST_AND_SECOND)
    p = max(row["p_positive"], 1 - row["p_positive"])
    direction = "higher" if row["mean"] > 0 else "lower"
    part = f"{row['first']} difference" if row["of_differences"] else row["first"]
    kind = "difference of the differences" if row["of_differences"] else "difference"
    difference = (
        f"the {kind} is {estimate_text(row['mean'], row['ci_lb'], row['ci_ub'])}, "
        f"{probability_statement(f'P({part} {direction})', p)}"
    )
    if row["exploratory"]:
        few = f"it is based on {_few(row)}: a hint to be tested, not a finding"
        return f"{sides}: {difference}, but {few}."
    if p > SETTLED:
        lower, upper = sorted(np.sign(row["mean"]) * np.array([row["ci_lb"], row["ci_ub"]]))
        size = estimate_text(abs(row["mean"]), lower, upper)
        subject = f"the {part}" if row["of_differences"] else part
        verdict = f"{subject} is {direction}, by {size} ({probability_statement('P', p)})"
    elif row["p_rope"] > NEGLIGIBLE:
        verdict = f"the sides agree within {rope:g} ({probability_statement('P', row['p_rope'])})"
    else:
        verdict = f"which side is higher is not settled: {difference}"
    two = "The two differences" if row["of_differences"] else "The two"
    signs = f"{two} have the same sign."
    if row["p_opposite"] > SETTLED:
        p_opposite = probability_statement("P", row["p_opposite"])
        signs = f"{two} have opposite signs, {p_opposite}."
    elif row["p_opposite"] >= 1 - SETTLED:
        signs = f"{probability_statement('P(opposite signs)', row['p_opposite'])}."
    return f"{sides}: {verdict}. {signs}"


def _side_text(row: Mapping[str, Any], place: str) -> str:
    bounds = (row[f"{place}_{name}"] for name in ("mean", "ci_lb", "ci_ub"))
    studies = _counted(row[f"{place}_studies"], "study", "studies")
    side = f"{row[place]} difference" if row["of_differences"] else row[place]
    return f"{side} {estimate_text(*bounds)} ({studies})"


def _few(row: Mapping[str, Any]) -> str:
    return "; ".join(
        _counted(studies, f"{row[place]} study", f"{row[place]} studies")
        for place in FIRST_AND_SECOND
        if (studies := row[f"{place}_studies"]) < MIN_STUDIES
    )


def _counted(number: int, singular: str, plural: str) -> str:
    """Return a number with its noun; `no` for zero."""
    return f"{number or 'no'} {singular if number == 1 else plural}"
