"""The mean along one moderator, for each level of a second one: what a conditional plot draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.margins.moderators import Moderators, moderators_of
from bayesmeta.estimates.margins.tables import marginal_table
from bayesmeta.estimates.summaries import levels_of
from bayesmeta.infrastructure.errors import BadInput

At = Mapping[str, Sequence[Any]]
POINTS = 41  # of a curve
LINES = 6


@dataclass(frozen=True)
class Curves:
    """The mean along a number, and the effects it was fitted to.

    Attributes
    ----------
    lines, points : DataFrame
        From `conditional_table` and `points_table`.
    xlabel : str
        The number, and what the other moderators are held at or averaged over.
    by : str
        The moderator whose values the lines are for; "" for one line.
    """

    lines: pd.DataFrame
    points: pd.DataFrame
    xlabel: str
    by: str

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables behind a figure, by name."""
        return {"lines": self.lines, "points": self.points}


def curves_along(
    tree: xr.DataTree, x: str | None = None, *, at: At | None = None, weights: str = "equal"
) -> Curves | None:
    """Return the curves along a number, or None where no moderator is one or no mean along it is known.

    Parameters
    ----------
    tree : DataTree
        With groups posterior and constant_data.
    x : str, optional
        The number; default the first for which `at` has several values, else the first.
    at, weights
        Of the reference grid, as for `marginal_weights`.
    """
    moderators = moderators_of(tree)
    along, by = axes_of(moderators, at, x)
    if along is None:
        return None
    try:
        lines = conditional_table(tree, along, by, at=at, weights=weights)
    except BadInput:  # cells without effects in every average
        return None
    xlabel = "; ".join([along, *held(moderators, at or {}, {along, by})])
    return Curves(lines, points_table(tree, along, by), xlabel, by or "")


def held(moderators: Moderators, at: At, shown: set[str | None]) -> list[str]:
    """Return what becomes of the moderators that a picture does not show: `year at 2004`, `averaged over phase`."""
    others = [name for name in moderators.names if name not in shown]
    values = {name: at.get(name) or moderators.levels.get(name) for name in others}
    means = {
        name: [f"{moderators.columns[name].mean():.4g}"] for name in others if values[name] is None
    }
    listed = {name: list(map(str, own)) for name, own in ({**values, **means}).items() if own}
    fixed = [f"{name} at {own[0]}" for name, own in listed.items() if len(own) == 1]
    averaged = [name for name, own in listed.items() if len(own) > 1]
    return fixed + ([f"averaged over {', '.join(averaged)}"] if averaged else [])


def axes_of(
    moderators: Moderators, at: At | None = None, x: str | None = None
) -> tuple[str | None, str | None]:
    """The number that goes along the axis, and what tells lines apart; None where there is none.

    The number is `x`, or the first; lines are the levels of the first category with a few, or of a second number the
    values asked for.
    """
    at = at or {}
    if not moderators.numbers:
        return None, None
    x = x or max(moderators.numbers, key=lambda name: len(at.get(name, ())) > 1)
    sizes = {
        name: len(at.get(name, moderators.levels.get(name, ())))
        for name in moderators.names
        if name != x
    }
    return x, next((name for name, size in sizes.items() if 1 < size <= LINES), None)


def conditional_table(
    tree: xr.DataTree,
    x: str,
    by: str | None = None,
    *,
    at: At | None = None,
    weights: str = "equal",
) -> pd.DataFrame:
    """The mean along a number, averaged over the rest of the reference grid.

    Parameters
    ----------
    tree : DataTree
        With groups posterior and constant_data.
    x : str
        The number, over the range that the table or `at` has of it.
    by : str, optional
        A moderator; a line for each of its values.
    at, weights
        Of the reference grid, as for `marginal_weights`.

    Returns
    -------
    DataFrame
        x, line ("" without `by`), mean, ci_lb, ci_ub, pi_lb, pi_ub (95 %, the true mean of a new `pi_level`).
    """
    known = moderators_of(tree).columns[x].astype(float)
    asked = np.array([float(value) for value in (at or {}).get(x, [])])
    low, high = min([known.min(), *asked]), max([known.max(), *asked])
    along = {**(at or {}), x: np.linspace(low, high, POINTS).tolist()}
    of = [x] if by is None else [by, x]
    table, level = marginal_table(tree, *of, at=along, weights=weights), levels_of(tree)[0]
    table = table.rename(columns={f"pi_{level}_{end}": f"pi_{end}" for end in ("lb", "ub")})
    lines = "" if by is None else [_named(by, value) for value in table[by]]
    table = table.assign(x=table[x], line=lines, pi_level=level)
    return table[["x", "line", "mean", "ci_lb", "ci_ub", "pi_lb", "pi_ub", "pi_level"]]


def points_table(tree: xr.DataTree, x: str, by: str | None = None) -> pd.DataFrame:
    """The effects that were analysed: x, line, effect, study, yi, sei."""
    design, columns = tree["constant_data"].to_dataset(), moderators_of(tree).columns
    study = design["study"].values[design["group_study"].values[design["effect_group"].values]]
    return pd.DataFrame(
        {
            "x": columns[x].astype(float),
            "line": "" if by is None else [_named(by, value) for value in columns[by]],
            "effect": design["effect"].values,
            "study": study,
            "yi": design["yi"].values,
            "sei": np.sqrt(design["vi"].values),
        }
    )


def _named(name: str, value: Any) -> str:
    return f"{name} {value:.4g}" if isinstance(value, float) else str(value)
