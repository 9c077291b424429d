"""What a fit leaves behind."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from bayesmeta.estimates import contrasts, convergence, discrepancy, margins, summaries
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.infrastructure.provenance import write_json
from bayesmeta.model.spec import spec_of
from bayesmeta.output import figures
from bayesmeta.output.folders.staging import labels_of, write_provenance, write_tables


def fit_tables(tree: xr.DataTree) -> dict[str, pd.DataFrame]:
    """The tables of a fit by file name: terms, heterogeneity, contrasts, prediction; where there are any, parameters.

    Of a model with sides its discrepancies and concordance, too.
    """
    tables = {
        "terms": summaries.terms_table(tree),
        "heterogeneity": summaries.heterogeneity_table(tree),
        "contrasts": contrasts.contrasts_table(tree),
        "prediction": summaries.prediction_table(tree),
    }
    others = {
        "parameters": summaries.parameters_table,
        "standardised": contrasts.standardised_table,
        "discrepancies": discrepancy.discrepancies_table,
        "concordance": discrepancy.concordance_table,
    }
    return tables | {name: table for name, make in others.items() if len(table := make(tree))}


def write_fit(
    folder: Path,
    tree: xr.DataTree,
    tables: Mapping[str, pd.DataFrame],
    provenance: dict[str, Any],
    steps: Steps,
) -> dict[str, Any]:
    """Write everything a fit leaves behind into an empty folder; gives the diagnostics.

    posterior.nc, tables/*.csv, figures/*.png, *.svg and the *.csv behind each, diagnostics.json, provenance.json (with
    the hash of every other file, so that a table can be traced from its bytes).
    """
    with steps("diagnostics"):
        diagnostics = convergence.diagnose(tree)
        write_json(folder / "diagnostics.json", diagnostics)
    with steps("writing tables"):
        write_tables(folder, tables)
    with steps("drawing figures"):
        (folder / "figures").mkdir()
        write_figures(folder / "figures", tree, tables, provenance)
    with steps("writing posterior.nc"):
        write_tree(folder / "posterior.nc", tree, provenance | {"timings": steps.seconds})
    write_provenance(folder / "provenance.json", provenance, steps)
    return diagnostics


def write_tree(path: Path, tree: xr.DataTree, provenance: Mapping[str, Any]) -> None:
    """Write a DataTree that `arviz.from_netcdf` opens, provenance as JSON in its attributes."""
    labelled = tree.copy()
    for node in (labelled, labelled["posterior"]):
        node.attrs |= {"provenance": json.dumps(provenance), "label": provenance["label"]}
    labelled.to_netcdf(path, engine="h5netcdf")


def write_figures(
    folder: Path, tree: xr.DataTree, tables: Mapping[str, pd.DataFrame], provenance: Mapping[str, Any]
) -> None:
    """Draw means (forest), effects, studies, slopes (a bubble plot each), chains, priors and posteriors of taus."""
    scale, (source, title) = tree["constant_data"].attrs["scale"], labels_of(provenance)

    def save(name: str, figure: Figure, table: pd.DataFrame | dict[str, pd.DataFrame]) -> None:
        figures.save(figure, folder / name, table, synthetic=provenance["synthetic"], source=source)

    forest, studies, taus = summaries.forest_table(tree), summaries.studies_table(tree), summaries.density_table(tree)
    chains = {"trace": convergence.trace_table(tree), "ranks": convergence.rank_table(tree)}
    if len(forest):
        save("forest", figures.draw_forest(forest, xlabel=scale, title=f"Means: {title}"), forest)
        save("caterpillar", figures.draw_caterpillar(studies, xlabel=scale, title=f"Studies: {title}"), studies)
    orchard = summaries.orchard_table(tree)
    if (orchard["part"] == "effect").any():
        save("orchard", figures.draw_orchard(orchard, xlabel=scale, title=f"Effects: {title}"), orchard)
    save("taus", figures.draw_prior_posterior(taus, title=f"Heterogeneity: {title}"), taus)
    save("chains", figures.draw_trace(chains["trace"], chains["ranks"], title=f"Chains: {title}"), chains)
    _write_slopes(save, tree, scale, title)
    if "discrepancies" in tables:
        _write_sides(save, tree, tables["discrepancies"], scale, title)


def _write_slopes(save: Callable[..., None], tree: xr.DataTree, scale: str, title: str) -> None:
    """Draw the mean along every moderator that is a number: `bubble_dose`."""
    for number in margins.moderators_of(tree).numbers:
        curves = margins.curves_along(tree, number)
        if curves:
            names = {"xlabel": curves.xlabel, "ylabel": scale, "by": curves.by}
            figure = figures.draw_conditional(curves.lines, curves.points, **names, title=f"Along {number}: {title}")
            save(f"bubble_{re.sub(r'[^\w-]+', '-', number)}", figure, curves.tables)


def _write_sides(save: Callable[..., None], tree: xr.DataTree, table: pd.DataFrame, scale: str, title: str) -> None:
    """Ridge of the discrepancies; for the first side and each other a mirrored forest and a plot of quadrants."""
    densities = discrepancy.densities_table(tree)
    rope = spec_of(tree).rope
    ridge = figures.draw_ridge(densities, table, rope=rope, xlabel=scale, title=f"Discrepancies: {title}")
    save("discrepancies", ridge, {"densities": densities, "contrasts": table})
    terms = discrepancy.sided_terms_table(tree)
    pairs = discrepancy.pairs_of(terms)
    for first, second in pairs:
        end = "" if len(pairs) == 1 else f"_{second}"
        both, cells = terms[terms["side"].isin([first, second])], discrepancy.quadrants_table(tree, first, second)
        save(f"mirrored{end}", figures.draw_mirrored(both, xlabel=scale, title=f"Means: {title}"), both)
        axes = {"xlabel": f"{first}, {scale}", "ylabel": f"{second}, {scale}"}
        save(f"quadrants{end}", figures.draw_quadrants(cells, **axes, title=f"Concordance: {title}"), cells)
