"""Tables of single effects: funnel, radial and L'Abbé plots."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import term_draws
from bayesmeta.estimates.conventions import INTERVAL
from bayesmeta.estimates.studies.cells import cells_of
from bayesmeta.estimates.studies.labels import study_labels
from bayesmeta.estimates.studies.weights import row_sum_weights
from bayesmeta.estimates.summaries import (
    has_structure,
    levels_of,
    predictive_sds,
    strata_of,
    tau_draws,
)
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.likelihood import nesting_of

ARMS = ("ai", "n1i", "ci", "n2i")  # events and sizes of two groups


def points_of_effects(tree: xr.DataTree) -> pd.DataFrame:
    """Return effect, study, label, cell, yi, sei, weight, and the mean of the cell with its limits.

    The columns of the mean, mean, ci_lb and ci_ub (95 % equal-tailed), are missing if the model has
    slopes. The rows stand cell by cell.
    """
    design = tree["constant_data"].to_dataset()
    table = pd.DataFrame(
        {
            "effect": design["effect"].values,
            "study": design["study"].values[nesting_of(design).study_of_effect],
            "label": study_labels(design),
            "cell": "",
            "yi": design["yi"].values,
            "sei": np.sqrt(design["vi"].values),
            "weight": row_sum_weights(tree),
        }
    )
    table[["mean", "ci_lb", "ci_ub"]] = np.nan
    cells = cells_of(tree)
    for cell in cells:
        table.loc[cell.effects, "cell"] = cell.label
        if cell.weights is not None:
            draws = cell.weights @ term_draws(tree).values
            numbers = [draws.mean(), *np.quantile(draws, INTERVAL)]
            table.loc[cell.effects, ["mean", "ci_lb", "ci_ub"]] = numbers
    return table.iloc[np.concatenate([cell.effects for cell in cells])].reset_index(drop=True)


def radial_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return the columns of `points_of_effects` with x = 1 / s and y = yi / s.

    s is the standard deviation of yi around the mean of its cell, sqrt(vi + sum of tau^2) at the
    posterior means of the taus. Raises BadInput if the model has slopes or several strata.

    Source: Galbraith 1988, doi 10.1002/sim.4780070807; metafor's `radial`.
    """
    table = points_of_effects(tree)
    if table["mean"].isna().any() or len(strata_of(tree)) > 1:
        raise BadInput("a radial plot shows effects around means with a single tau per level")
    s = np.sqrt(table["sei"] ** 2 + _tau2(tree))
    return table.assign(x=1 / s, y=table["yi"] / s)


def _tau2(tree: xr.DataTree) -> float:
    """Return the variance of true effects around a mean; of a structure its average."""
    if has_structure(tree):
        return float(np.square(predictive_sds(tree, "").iloc[:, -1].mean()))
    return float((tau_draws(tree, "")[levels_of(tree)].mean() ** 2).sum())


def labbe_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return effect, study, label, weight, control and treated: the risks of the two groups.

    Raises BadInput if the table lacks the numbers of events ai, ci and the sizes n1i, n2i.

    Source: L'Abbé, Detsky & O'Rourke 1987, doi 10.7326/0003-4819-107-2-224.
    """
    design = tree["constant_data"].to_dataset()
    if missing := [name for name in ARMS if name not in design]:
        needs = f"a L'Abbé plot needs the columns {', '.join(ARMS)}"
        raise BadInput(f"{needs}; the table has no {', '.join(missing)}")
    points = points_of_effects(tree)
    effects = design.sel(effect=points["effect"].values)
    risks = {
        "control": effects["ci"].values / effects["n2i"].values,
        "treated": effects["ai"].values / effects["n1i"].values,
    }
    return points[["effect", "study", "label", "weight"]].assign(**risks)
