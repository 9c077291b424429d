"""Files of `bayesmeta fit`."""

import json
import re
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from bayesmeta.estimates import contrasts, discrepancy, margins, summaries
from bayesmeta.infrastructure.choices import Picture
from bayesmeta.infrastructure.provenance import write_json
from bayesmeta.model.spec import spec_of
from bayesmeta.output import figures
from bayesmeta.output.folders.compact import compacted
from bayesmeta.output.folders.folder import Folder, Tables
from bayesmeta.output.pictures import draw_picture, heading_of

MAX_STUDIES = 1000  # with a row in the pictures of a fit, on 17 pages


def fit_tables(tree: xr.DataTree) -> dict[str, pd.DataFrame]:
    """Return the tables of a fit by file name, the later six if they have rows."""
    tables = {
        "terms": summaries.terms_table(tree),
        "heterogeneity": summaries.heterogeneity_table(tree),
        "contrasts": contrasts.contrasts_table(tree),
        "prediction": summaries.prediction_table(tree),
    }
    others = {
        "parameters": summaries.parameters_table(tree),
        "standardised": contrasts.standardised_table(tree),
        "discrepancies": discrepancy.discrepancies_table(tree),
        "concordance": discrepancy.concordance_table(tree),
        "imputed": summaries.imputed_table(tree),
        "tau_along": summaries.tau_along_table(tree),
    }
    return tables | {name: table for name, table in others.items() if len(table)}


def write_fit(
    folder: Folder,
    tree: xr.DataTree,
    tables: Tables,
    diagnostics: Mapping[str, Any],
    write_figures: Callable[[Folder, xr.DataTree, Tables], None],
) -> None:
    """Write diagnostics.json, tables/*.csv, figures and posterior.nc."""
    write_json(folder.path / "diagnostics.json", diagnostics)
    with folder.steps("writing tables"):
        folder.write_tables(tables)
    with folder.steps("drawing figures"):
        write_figures(folder, tree, tables)
    with folder.steps("writing posterior.nc"):
        provenance = folder.provenance | {"timings": folder.steps.seconds}
        write_tree(folder.path / "posterior.nc", tree, provenance)


def write_tree(path: Path, tree: xr.DataTree, provenance: Mapping[str, Any]) -> None:
    """Write a DataTree that `arviz.from_netcdf` opens, provenance as JSON in its attributes."""
    labelled, encoding = compacted(tree)
    for node in (labelled, labelled["posterior"]):
        node.attrs |= {"provenance": json.dumps(provenance), "label": provenance["label"]}
    content = BytesIO()  # HDF5 ends the process if a disk is full
    labelled.to_netcdf(content, engine="h5netcdf", encoding=encoding)
    path.write_bytes(content.getvalue())


def write_fit_figures(folder: Folder, tree: xr.DataTree, tables: Tables) -> None:
    """Draw studies, means, effects, taus, chains, slopes and discrepancies, if they exist.

    The pictures with a row per study are left to `bayesmeta plot` if there are many.
    """
    few = tree["constant_data"].sizes["study"] <= MAX_STUDIES
    if few:
        draw_pictures(folder, tree, "forest")
    if len(summaries.means_table(tree)):
        draw_pictures(folder, tree, "means")
        if few and "summaries" not in tree.children:  # which has no draws of the studies
            draw_pictures(folder, tree, "caterpillar")
    if (summaries.orchard_table(tree)["part"] == "effect").any():
        draw_pictures(folder, tree, "orchard")
    write_diagnostic_figures(folder, tree)
    for number in margins.moderators_of(tree).numbers:
        if margins.curves_along(tree, number):
            title = f"Along {number}: {folder.title}"
            picture = draw_picture(tree, "bubble", title, moderator=number)
            name = f"bubble_{re.sub(r'[^\w-]+', '-', number)}"
            folder.write_pages("figures", name, *picture)
    if "tau_along" in tables:
        folder.draw("tau_along", figures.draw_tau_along, tables["tau_along"], "Heterogeneity")
    if "discrepancies" in tables:
        scale = tree["constant_data"].attrs["scale"]
        densities = discrepancy.densities_table(tree)
        ridges = {"densities": densities, "contrasts": tables["discrepancies"]}
        options = {"xlabel": scale, "rope": spec_of(tree).rope}
        folder.draw("discrepancies", figures.draw_ridge, ridges, "Discrepancies", **options)
        _write_sides(folder, tree, scale)


def draw_pictures(folder: Folder, tree: xr.DataTree, *kinds: Picture) -> None:
    """Draw pictures of a tree, with the name of their kind."""
    for kind in kinds:
        picture = draw_picture(tree, kind, f"{heading_of(kind)}: {folder.title}")
        folder.write_pages("figures", kind, *picture)


def write_diagnostic_figures(folder: Folder, tree: xr.DataTree) -> None:
    """Draw priors and posteriors of the taus; of NUTS, traces and ranks of the chains."""
    draw_pictures(folder, tree, "taus")
    if tree["posterior"].attrs.get("sampler") not in ("quadrature", "importance", "augmentation"):
        draw_pictures(folder, tree, "chains")  # independent draws are chains only by name


def draw_curves(folder: Folder, name: str, curves: margins.Curves, title: str, scale: str) -> None:
    """Draw the mean along a numeric moderator."""
    axes = {"xlabel": curves.xlabel, "ylabel": scale, "by": curves.by}
    folder.draw(name, figures.draw_conditional, curves.tables, title, **axes)


def _write_sides(folder: Folder, tree: xr.DataTree, scale: str) -> None:
    """Draw a mirrored forest and a plot of quadrants for the first side and every other side."""
    terms = discrepancy.sided_terms_table(tree)
    pairs = discrepancy.pairs_of(terms)
    for first, second in pairs:
        ending = "" if len(pairs) == 1 else f"_{second}"
        both = terms[terms["side"].isin([first, second])]
        folder.draw(f"mirrored{ending}", figures.draw_mirrored, both, "Means", xlabel=scale)
        cells = discrepancy.quadrants_table(tree, first, second)
        axes = {"xlabel": f"{first}, {scale}", "ylabel": f"{second}, {scale}"}
        folder.draw(f"quadrants{ending}", figures.draw_quadrants, cells, "Concordance", **axes)
