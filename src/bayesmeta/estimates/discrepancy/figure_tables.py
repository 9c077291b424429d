"""Tables behind the figures of two sides."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.contrasts import term_draws
from bayesmeta.estimates.discrepancy.tables import sides_of
from bayesmeta.estimates.summaries import means_table
from bayesmeta.infrastructure.arviz import array_stats
from bayesmeta.model.design.labels import level_coordinate
from bayesmeta.model.spec import spec_of


def sided_terms_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return terms with effects: term, cell (without the side), side, columns of `means_table`."""
    coordinates = tree["constant_data"].to_dataset()["term"].coords
    labels = pd.DataFrame({name: values.values for name, values in coordinates.items()})
    factors = labels.drop(columns="term")
    side = factors.pop(level_coordinate(spec_of(tree).sides))
    labels = labels[["term"]].assign(cell=factors.agg(":".join, axis=1), side=side)
    return labels.merge(means_table(tree).query("k > 0"), on="term")


def pairs_of(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the pairs of the first side with another side, from a table of sided terms."""
    first, *others = table["side"].unique()
    return [(first, other) for other in others]


def quadrants_table(tree: xr.DataTree, x: str, y: str) -> pd.DataFrame:
    """Return the cells that two sides share.

    Columns: cell, x_mean, x_ci_lb, x_ci_ub, studies_x, the same of y, and p_same, the probability
    that both means have the same sign.
    """
    table = sided_terms_table(tree)
    columns = ["term", "mean", "ci_lb", "ci_ub", "studies"]
    left, right = (table[table["side"] == side].set_index("cell")[columns] for side in (x, y))
    shared = left.add_prefix("x_").join(right.add_prefix("y_"), how="inner").reset_index()
    draws = term_draws(tree)
    product = draws.sel(term=shared["x_term"].to_list()).values
    product = product * draws.sel(term=shared["y_term"].to_list()).values
    shared = shared.assign(p_same=(product > 0).mean(axis=1)).drop(columns=["x_term", "y_term"])
    return shared.rename(columns={"x_studies": "studies_x", "y_studies": "studies_y"})


def densities_table(tree: xr.DataTree, *, points: int = 200) -> pd.DataFrame:
    """Return kernel densities of posterior contrasts of two sides: contrast, value, density."""
    parts = []
    for name, sides in sides_of(tree).items():
        value, density, _ = array_stats.kde(np.subtract(*sides.draws), grid_len=points)
        parts.append(pd.DataFrame({"contrast": name, "value": value, "density": density}))
    return pd.concat(parts, ignore_index=True)
