"""What a fit of directions leaves behind."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from bayesmeta.estimates import contrasts, convergence, summaries
from bayesmeta.inference import ordinal
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.infrastructure.provenance import write_json
from bayesmeta.output import figures
from bayesmeta.output.figures.directions import draw_directions
from bayesmeta.output.folders.fit import write_tree
from bayesmeta.output.folders.staging import labels_of, write_provenance, write_tables


def direction_tables(tree: xr.DataTree) -> dict[str, pd.DataFrame]:
    """The tables of a fit of directions by file name: those of `fit_tables`, directions, differences, aggregate."""
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


def write_directions(
    folder: Path,
    tree: xr.DataTree,
    tables: Mapping[str, pd.DataFrame],
    provenance: dict[str, Any],
    steps: Steps,
) -> dict[str, Any]:
    """Write what `write_fit` writes, for directions, into an empty folder; gives the diagnostics."""
    with steps("diagnostics"):
        diagnostics = convergence.diagnose(tree)
        write_json(folder / "diagnostics.json", diagnostics)
    with steps("writing tables"):
        write_tables(folder, tables)
    with steps("drawing figures"):
        (folder / "figures").mkdir()
        _write_figures(folder / "figures", tree, tables, provenance)
    with steps("writing posterior.nc"):
        write_tree(folder / "posterior.nc", tree, provenance | {"timings": steps.seconds})
    write_provenance(folder / "provenance.json", provenance, steps)
    return diagnostics


def _write_figures(
    folder: Path, tree: xr.DataTree, tables: Mapping[str, pd.DataFrame], provenance: Mapping[str, Any]
) -> None:
    """Probability of the best direction, prior beside posterior; taus; chains."""
    source, title = labels_of(provenance)
    about = {"synthetic": provenance["synthetic"], "source": source}
    drawn, best = drawn_directions(tables), tables["directions"]["direction"].iloc[-1]
    xlabel = f"P({best}): directions as abstracts state them, no effect sizes"
    figure = draw_directions(drawn, xlabel=xlabel, title=f"Directions: {title}")
    figures.save(figure, folder / "directions", drawn, **about)
    taus = summaries.density_table(tree)
    drawing = figures.draw_prior_posterior(taus, title=f"Heterogeneity: {title}")
    figures.save(drawing, folder / "taus", taus, **about)
    chains = {"trace": convergence.trace_table(tree), "ranks": convergence.rank_table(tree)}
    figures.save(
        figures.draw_trace(chains["trace"], chains["ranks"], title=f"Chains: {title}"),
        folder / "chains",
        chains,
        **about,
    )


def drawn_directions(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The rows of the best direction as `figures.directions.directions` wants them, then the review's count."""
    table = tables["directions"]
    numbers = ["mean", "ci_lb", "ci_ub", "prior_mean", "prior_ci_lb", "prior_ci_ub"]
    best = table[table["direction"] == table["direction"].iloc[-1]]
    counted = best["rows"].astype(str) + " of " + best["of"].astype(str)
    drawn = best[numbers].assign(label=best.columns[0] + " " + best[best.columns[0]], counted=counted)
    if "aggregate" in tables:
        count = tables["aggregate"]
        counted = count["enhanced"].astype(str) + " of " + count["studies"].astype(str)
        drawn = pd.concat([drawn, count[numbers].assign(label="reviewed studies, by their count", counted=counted)])
    return drawn[["label", "counted", *numbers]].reset_index(drop=True)
