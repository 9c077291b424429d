"""The mean along a number, by the levels of a second moderator: the table of a conditional plot."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.margins.moderators import At, Moderators, moderators_of
from bayesmeta.estimates.margins.tables import marginal_table
from bayesmeta.estimates.summaries import prediction_levels
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.likelihood import nesting_of

POINTS = 41  # of a curve
MAX_LINES = 6  # in a picture


@dataclass(frozen=True)
class Curves:
    """The mean along a number, and the effects."""

    lines: pd.DataFrame  # `conditional_table`
    points: pd.DataFrame  # `points_table`
    xlabel: str  # the number, and values at which other moderators are fixed or averaged
    by: str  # the moderator with a line per value, "" for a single line

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables behind a figure, by name."""
        return {"lines": self.lines, "points": self.points}


def curves_along(
    tree: xr.DataTree, x: str | None = None, *, at: At = None, weights: str = "equal"
) -> Curves | None:
    """Return the curves along a number, or None if there is no number or no estimable mean.

    The number is `x`, by default the first for which `at` has several values, else the first.
    `at` and `weights` are those of `marginal_weights`.
    """
    moderators = moderators_of(tree)
    along, by = axes_of(moderators, at, x)
    if along is None:
        return None
    try:
        lines = conditional_table(tree, along, by, at=at, weights=weights)
    except BadInput:  # every average contains a cell without effects
        return None
    xlabel = "; ".join([along, *undrawn_moderators(moderators, at, {along, by})])
    return Curves(lines, points_table(tree, along, by), xlabel, by or "")


def undrawn_moderators(moderators: Moderators, at: At, drawn: set[str | None]) -> list[str]:
    """Return what a picture does not show, in words: `year at 2004`, `averaged over phase`."""
    fixed = []
    averaged = []
    for name in (name for name in moderators.names if name not in drawn):
        values = (at or {}).get(name) or moderators.levels.get(name)
        values = values or [f"{moderators.columns[name].mean():.4g}"]
        if len(values) == 1:
            fixed.append(f"{name} at {values[0]}")
        else:
            averaged.append(name)
    return fixed + ([f"averaged over {', '.join(averaged)}"] if averaged else [])


def axes_of(
    moderators: Moderators, at: At = None, x: str | None = None
) -> tuple[str | None, str | None]:
    """Return the number of the horizontal axis, and the moderator that distinguishes the lines.

    The number is `x`, or by default the first. The lines are the levels of the first category with
    at most six, or the requested values of a second number. Both are None without a number, the
    second is None without such a moderator.
    """
    at = at or {}
    if not moderators.numbers:
        return None, None
    x = x or max(moderators.numbers, key=lambda name: len(at.get(name, ())) > 1)
    others = [name for name in moderators.names if name != x]
    sizes = {name: len(at.get(name, moderators.levels.get(name, ()))) for name in others}
    return x, next((name for name, size in sizes.items() if 1 < size <= MAX_LINES), None)


def conditional_table(
    tree: xr.DataTree, x: str, by: str | None = None, *, at: At = None, weights: str = "equal"
) -> pd.DataFrame:
    """Return the mean along a number over its range, averaged over the rest of the reference grid.

    Every value of the moderator `by` gets a line; `at` and `weights` are those of
    `marginal_weights`. Columns: x, line ("" without `by`), mean, ci_lb, ci_ub, pi_lb, pi_ub (95 %,
    for the true mean of a new `pi_level`).
    """
    observed = moderators_of(tree).columns[x].astype(float)
    requested = [float(value) for value in (at or {}).get(x, [])]
    low = min([observed.min(), *requested])
    high = max([observed.max(), *requested])
    grid = {**(at or {}), x: np.linspace(low, high, POINTS).tolist()}
    of = [x] if by is None else [by, x]
    table = marginal_table(tree, *of, at=grid, weights=weights)
    level = prediction_levels(tree)[0]
    table = table.rename(columns={f"pi_{level}_{end}": f"pi_{end}" for end in ("lb", "ub")})
    table = table.assign(x=table[x], line=_line_names(table, by), pi_level=level)
    return table[["x", "line", "mean", "ci_lb", "ci_ub", "pi_lb", "pi_ub", "pi_level"]]


def points_table(tree: xr.DataTree, x: str, by: str | None = None) -> pd.DataFrame:
    """Return the analysed effects: x, line, effect, study, yi, sei."""
    design = tree["constant_data"].to_dataset()
    columns = moderators_of(tree).columns
    table = pd.DataFrame({"x": columns[x].astype(float), "line": _line_names(columns, by)})
    return table.assign(
        effect=design["effect"].values,
        study=design["study"].values[nesting_of(design).study_of_effect],
        yi=design["yi"].values,
        sei=np.sqrt(design["vi"].values),
    )


def _line_names(rows: pd.DataFrame, by: str | None) -> list[str]:
    """Return the name of every row's line: the level of a category, a number with its name."""
    if by is None:
        return [""] * len(rows)
    return [f"{by} {value:.4g}" if isinstance(value, float) else str(value) for value in rows[by]]
