"""Files of `bayesmeta fit` for directions without effect sizes."""

import pandas as pd
import xarray as xr

from bayesmeta.estimates import contrasts, summaries
from bayesmeta.inference import ordinal
from bayesmeta.output.figures.directions import draw_directions
from bayesmeta.output.folders.fit import write_diagnostic_figures
from bayesmeta.output.folders.folder import Folder, Tables

NUMBERS = ["mean", "ci_lb", "ci_ub", "prior_mean", "prior_ci_lb", "prior_ci_ub"]


def direction_tables(tree: xr.DataTree) -> dict[str, pd.DataFrame]:
    """Return by file name the tables of `fit_tables`, directions, differences, any aggregate."""
    tables = {
        "terms": summaries.terms_table(tree),
        "heterogeneity": ordinal.latent_heterogeneity_table(tree),
        "contrasts": contrasts.contrasts_table(tree),
        "prediction": ordinal.next_study_table(tree),
        "parameters": summaries.parameters_table(tree),
        "directions": ordinal.directions_table(tree),
        "direction_differences": ordinal.differences_table(tree),
    }
    aggregate = ordinal.aggregate_table(tree)
    return tables | ({"aggregate": aggregate} if len(aggregate) else {})


def write_direction_figures(folder: Folder, tree: xr.DataTree, tables: Tables) -> None:
    """Draw the probability of the best direction, prior and posterior; taus; chains."""
    best = tables["directions"]["direction"].iloc[-1]
    drawn = drawn_directions(tables)
    xlabel = f"P({best}): directions as abstracts state them, no effect sizes"
    folder.draw("directions", draw_directions, drawn, "Directions", xlabel=xlabel)
    write_diagnostic_figures(folder, tree)


def drawn_directions(tables: Tables) -> pd.DataFrame:
    """Return the table of `draw_directions`: the best direction, and a review's count if any."""
    table = tables["directions"]
    best = table[table["direction"] == table["direction"].iloc[-1]]
    counted = best["rows"].astype(str) + " of " + best["of"].astype(str)
    side = best.columns[0]
    drawn = best[NUMBERS].assign(label=side + " " + best[side], counted=counted)
    if "aggregate" in tables:
        count = tables["aggregate"]
        counted = count["enhanced"].astype(str) + " of " + count["studies"].astype(str)
        reviewed = count[NUMBERS].assign(label="reviewed studies, by their count", counted=counted)
        drawn = pd.concat([drawn, reviewed])
    return drawn[["label", "counted", *NUMBERS]].reset_index(drop=True)
