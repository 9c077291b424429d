"""Files of `bayesmeta compare`, `multiverse`, `plan`, `predict` and `screen`."""

import pandas as pd
import xarray as xr

from bayesmeta.estimates.margins import Curves
from bayesmeta.output import figures, pages
from bayesmeta.output.figures.calibration import draw_calibration
from bayesmeta.output.figures.multiverse import draw_multiverse
from bayesmeta.output.figures.planning import draw_plan
from bayesmeta.output.folders.fit import draw_curves
from bayesmeta.output.folders.folder import Folder, Tables
from bayesmeta.planning import curves_table

MAX_ROWS = 40  # of a figure: more would not fit on a page


def write_comparison(folder: Folder, tables: Tables, curves: Tables, design: xr.Dataset) -> None:
    """Write tables/*.csv, figures paired, profiles, comparison_types, and comparison.html."""
    folder.write_tables(tables)
    with folder.steps("drawing figures"):
        paired = curves["paired"]
        scale = design.attrs["scale"]
        folder.draw("paired", figures.draw_paired, paired, "Frequentist and Bayes", xlabel=scale)
        folder.draw("profiles", figures.draw_profiles, curves["profiles"], "Heterogeneity")
        drawn = ["paired", "profiles"]
        if (types := tables.get("comparison_types")) is not None:
            draw = figures.draw_comparison_types
            folder.draw("comparison_types", draw, types, "Types of comparison", xlabel=scale)
            drawn.append("comparison_types")
    paths = {name: folder.path / "figures" / f"{name}.svg" for name in drawn}
    page = pages.comparison_page(tables, paths, folder.about(design))
    folder.write_text("comparison.html", page)


def write_structure_comparison(
    folder: Folder, tables: Tables, paired: pd.DataFrame, design: xr.Dataset
) -> None:
    """Write tables/*.csv and the figure paired of a dependence structure."""
    folder.write_tables(tables)
    with folder.steps("drawing figures"):
        scale = design.attrs["scale"]
        folder.draw("paired", figures.draw_paired, paired, "Frequentist and Bayes", xlabel=scale)


def write_multiverse(folder: Folder, tables: Tables) -> None:
    """Write tables/*.csv and figures/multiverse; the table `cells` is written with the figure."""
    folder.write_tables({name: table for name, table in tables.items() if name != "cells"})
    with folder.steps("drawing figures"):
        title = f"Does each conclusion hold? {folder.title[0].upper()}{folder.title[1:]}"
        figure = draw_multiverse(tables["cells"], title=title)
        folder.write_figure("multiverse", figure, tables["cells"])


def write_averages(folder: Folder, tables: Tables, scale: str) -> None:
    """Write tables/*.csv, and figures averages, inclusion and, of few models, sensitivity."""
    kept = {name: table for name, table in tables.items() if len(table) or name != "left_out"}
    folder.write_tables(kept)
    with folder.steps("drawing figures"):
        means = tables["model_means"]
        folder.draw("averages", figures.draw_averages, means, "Mean over models", xlabel=scale)
        folder.draw("inclusion", figures.draw_inclusion, tables["inclusion"], "Evidence")
        if len(table := tables["sensitivity"]):
            heading = "Bayes factors under other priors"
            folder.draw("sensitivity", figures.draw_factor_curves, table, heading)


def write_calibration(folder: Folder, tables: Tables) -> None:
    """Write tables/*.csv and figures/calibration; the table `curves` is written with the figure."""
    folder.write_tables({name: table for name, table in tables.items() if name != "curves"})
    with folder.steps("drawing figures"):
        folder.draw("calibration", draw_calibration, tables["curves"], "Calibration")


def write_plan(folder: Folder, table: pd.DataFrame, stratum: str | None) -> None:
    """Write tables/plan.csv and figures/plan."""
    folder.write_tables({"plan": table})
    with folder.steps("drawing figures"):
        curves = curves_table(table)
        xlabel = f"new {stratum} studies" if stratum else "new studies"
        title = f"What would settle it? {folder.title}"
        folder.write_figure("plan", draw_plan(curves, xlabel=xlabel, title=title), curves)


def write_predict(
    folder: Folder, tables: Tables, curves: Curves | None, rows: pd.DataFrame, scale: str
) -> None:
    """Write tables/*.csv, and figures/conditional of `curves`, or else figures/predicted of `rows`.

    The tables are predicted, marginal_means and marginal_contrasts; rows have the columns of
    `draw_means`. The name of the axis of means is `scale`.
    """
    folder.write_tables(tables)
    with folder.steps("drawing figures"):
        if curves:
            draw_curves(folder, "conditional", curves, "Predicted", scale)
        elif 0 < len(rows) <= MAX_ROWS:
            folder.draw("predicted", figures.draw_means, rows, "Predicted", xlabel=scale)


def write_screen(folder: Folder, tables: Tables, followup: str, scale: str) -> None:
    """Write tables/*.csv, figures and followup.toml."""
    folder.write_tables({name: table for name, table in tables.items() if len(table.columns)})
    folder.write_text("followup.toml", followup)
    dataset = folder.provenance["dataset"]
    target = folder.provenance["target"]
    title = f"{dataset}, target {target}, folds by {folder.provenance['folds']}"
    labels = {
        "importance": {"title": f"Importance: {title}"},
        "dependence": {"title": f"Dependence: {title}", "ylabel": scale},
        "pairs": {"title": f"Pairs: {title}", "label": scale},
        "convergence": {"title": f"Number of trees: {title}"},
        "tree": {"title": f"Meta-tree: {dataset}", "xlabel": scale},
    }
    with folder.steps("drawing figures"):
        for name, texts in labels.items():
            if len(table := tables[name]):
                figure = getattr(figures, f"draw_{name}")(table, **texts)
                folder.write_figure(name, figure, table)
