"""The tables behind the figures of two sides."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.estimates.discrepancy.tables import sides_of
from bayesmeta.estimates.summaries import forest_table
from bayesmeta.model.spec import spec_of


def sided_terms_table(tree: xr.DataTree) -> pd.DataFrame:
    """Terms that effects inform, by cell and side: term, cell, side and the columns of `estimates.forest_table`."""
    coordinates = tree["constant_data"].to_dataset()["term"].coords
    names = [str(name) for name in coordinates if name != "term"]
    factors = pd.DataFrame({name.removeprefix("term_"): coordinates[name].values for name in names})
    sides = factors.pop(spec_of(tree).sides)
    labels = pd.DataFrame(
        {"term": coordinates["term"].values, "cell": factors.agg(":".join, axis=1), "side": sides}
    )
    return labels.merge(forest_table(tree).query("k > 0"), on="term")


def pairs_of(table: pd.DataFrame) -> list[tuple[str, str]]:
    """The first side with each of the others, of a table of sided terms."""
    first, *others = table["side"].unique()
    return [(first, other) for other in others]


def quadrants_table(tree: xr.DataTree, x: str, y: str) -> pd.DataFrame:
    """Cells that two sides both have: cell, x_mean, x_ci_lb, x_ci_ub and y_ likewise, p_same, studies_x, studies_y."""
    table = sided_terms_table(tree)
    columns = ["term", "mean", "ci_lb", "ci_ub", "studies"]
    left, right = (table[table["side"] == side].set_index("cell")[columns] for side in (x, y))
    both = left.add_prefix("x_").join(right.add_prefix("y_"), how="inner").reset_index()
    beta = (
        tree["posterior"]
        .dataset["beta"]
        .stack(sample=("chain", "draw"))
        .transpose("term", "sample")
    )
    product = (
        beta.sel(term=both["x_term"].to_list()).values
        * beta.sel(term=both["y_term"].to_list()).values
    )
    both = both.assign(p_same=(product > 0).mean(axis=1)).drop(columns=["x_term", "y_term"])
    return both.rename(columns={"x_studies": "studies_x", "y_studies": "studies_y"})


def densities_table(tree: xr.DataTree, *, points: int = 200) -> pd.DataFrame:
    """Posterior densities of the contrasts between two sides: contrast, value, density; kernel estimates."""
    from arviz_stats.base import array_stats

    parts = []
    for name, sides in sides_of(tree).items():
        value, density, _ = array_stats.kde(np.subtract(*sides.draws), grid_len=points)
        parts.append(pd.DataFrame({"contrast": name, "value": value, "density": density}))
    return pd.concat(parts, ignore_index=True)
