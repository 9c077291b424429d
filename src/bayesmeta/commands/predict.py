"""`bayesmeta predict`: means and true effects of new studies, from a folder with posterior.nc."""

import gc
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
from rich.console import Console

from bayesmeta.commands.console.tables import print_predictions
from bayesmeta.commands.options import Prediction
from bayesmeta.commands.outcome import Outcome, finish
from bayesmeta.data.table import clean_cells, read_bytes, read_text
from bayesmeta.estimates import margins
from bayesmeta.estimates.scales import scale_of
from bayesmeta.estimates.summaries import prediction_levels
from bayesmeta.estimates.transformed import shown_tables
from bayesmeta.infrastructure.choices import Weights
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.infrastructure.unraisable import silenced
from bayesmeta.model.spec import spec_of
from bayesmeta.output.folders.analyses import write_predict
from bayesmeta.output.folders.protection import check_listed

MAX_LEVELS = 40  # of a category with a table of all differences
FIT_CHOICES = ("dataset", "model", "model_sha256", "inputs_sha256", "seed")
Tables = dict[str, pd.DataFrame]
Values = Mapping[str, list[str]]


def run_predict(
    options: Prediction, out: Path | None, console: Console, *, as_json: bool = False
) -> int:
    """Predict for a reference grid or for the rows of a file; return the exit code, 0.

    Raise BadInput, and write nothing, if the folder, the values or the rows cannot be used.
    """
    if options.at is not None and options.new is not None:
        raise BadInput("--at fills the reference grid and --new replaces it; give one of them")
    steps = Steps(console)
    with steps("reading the posterior"):
        tree = read_posterior(options.results)
        at = margins.parse_at(options.at or "", margins.moderators_of(tree))
        rows = read_rows(options.new) if options.new else margins.reference_grid(tree, at)
    out = out or (options.results if options.results.is_dir() else options.results.parent)

    def compute() -> Outcome:
        with steps("predicting"):
            return predict(tree, rows, at, options)

    choices, attrs = provenance_of_fit(tree)
    given = vars(options) | {"out": out}
    choices |= {name: str(x) if isinstance(x, Path) else x for name, x in given.items()}
    return finish(compute, out, choices, attrs, steps, console, as_json=as_json)


def predict(tree: xr.DataTree, rows: pd.DataFrame, at: Values, options: Prediction) -> Outcome:
    """Return the predictions of rows; of a grid also the marginal means of its categories."""
    predicted = margins.predicted_table(tree, rows)
    marginal: Tables = {}
    if options.new is None:
        predicted = predicted.dropna(subset="mean")
        marginal = marginal_tables(tree, rows, at, options.weights)
    absolute = None
    if options.baseline is not None:
        scale = scale_of(tree["constant_data"].to_dataset()).name
        baselines = margins.parse_baselines(options.baseline)
        absolute = margins.absolute_table(predicted, scale, baselines)
    tables = shown_tables({"predicted": predicted, **marginal}, options.transform)
    predicted = tables["predicted"]
    missing = int(predicted["mean"].isna().sum()) or len(rows) - len(predicted)
    curves = margins.curves_along(tree, at=at, weights=options.weights)
    drawn = mean_rows(tree, predicted)
    axis = str(tree["constant_data"].attrs["scale"])
    written = tables if absolute is None else tables | {"absolute": absolute}
    return Outcome(
        write=lambda folder: write_predict(folder, written, curves, drawn, axis),
        show=lambda printer: print_predictions(printer, predicted, missing, absolute),
        record="provenance-predict.json",
    )


def read_posterior(results: Path) -> xr.DataTree:
    """Return the tree of a folder or a posterior.nc; raise BadInput if there is none with terms.

    The file should be the one that the provenance beside it lists; a file without provenance should
    give predictions.
    """
    path = results / "posterior.nc" if results.is_dir() else results
    if not path.is_file():
        raise BadInput(f"{results} has no posterior.nc; name a folder that bayesmeta fit wrote")
    tree = _opened(path, is_listed=check_listed(path))
    if not has_terms(tree):
        problem = "is of a model without terms for the mean effect: there is nothing to predict"
        raise BadInput(f"{path} {problem}")
    return tree


def _opened(path: Path, *, is_listed: bool) -> xr.DataTree:
    """Return the tree of a file; raise BadInput if it is damaged, or of another program."""
    with silenced():  # h5netcdf cannot close what it could not open
        try:
            tree = xr.open_datatree(path, engine="h5netcdf").load()
            tree.close()
            if has_terms(tree) and not is_listed:
                provenance_of_fit(tree)
                with suppress(BadInput):  # a grid with too many rows
                    margins.predicted_table(tree, margins.reference_grid(tree))
            return tree
        except BadInput:
            raise
        except Exception as error:  # libraries raise many types for a damaged or foreign file
            problem = f"{path} cannot be read as a posterior: {error or type(error).__name__}"
        gc.collect()
    raise BadInput(f"{problem}; run bayesmeta fit again")


def has_terms(tree: xr.DataTree) -> bool:
    """Return whether a tree has terms for the mean effect."""
    return "beta" in tree["posterior"].data_vars and "X" in tree["constant_data"].data_vars


def read_rows(path: Path) -> pd.DataFrame:
    """Return the new rows of a file, every cell as text; raise BadInput if it cannot be read."""
    try:
        text = clean_cells(read_text(path, read_bytes(path))).text
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
    return text.where(text != "").assign(sheet_row=text.index).reset_index(drop=True)


def marginal_tables(tree: xr.DataTree, rows: pd.DataFrame, at: Values, weights: Weights) -> Tables:
    """Return marginal_means and marginal_contrasts of every category that varies in a grid."""
    means = []
    contrasts = []
    levels = margins.moderators_of(tree).levels
    for name in (name for name in levels if len(rows[name].unique()) > 1):
        try:
            table = margins.marginal_table(tree, name, at=at, weights=weights)
        except BadInput:  # every mean has a cell without effects in it
            continue
        means.append(table.rename(columns={name: "level"}).assign(moderator=name))
        if 1 < len(table) <= MAX_LEVELS:
            by_level = margins.marginal_weights(tree, name, at=at, weights=weights)
            contrasts.append(margins.pairs_table(tree, by_level).assign(moderator=name))
    parts = {"marginal_means": means, "marginal_contrasts": contrasts}
    joined = {name: pd.concat(part, ignore_index=True) for name, part in parts.items() if part}
    return {name: table.set_index("moderator").reset_index() for name, table in joined.items()}


def mean_rows(tree: xr.DataTree, predicted: pd.DataFrame) -> pd.DataFrame:
    """Return predictions as means: term, mean, intervals of the lowest level, k, studies."""
    known = predicted.dropna(subset="mean")
    level = prediction_levels(tree)[-1]
    limits = {f"pi_{level}_lb": "pi_lb", f"pi_{level}_ub": "pi_ub"}
    columns = ["mean", "ci_lb", "ci_ub", *limits, "k", "studies"]
    table = known[columns].rename(columns=limits)
    table.insert(0, "term", margins.row_labels(known, margins.moderators_of(tree)))
    return table.assign(pi_level=level).reset_index(drop=True)


def provenance_of_fit(tree: xr.DataTree) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return choices and data of the fit, which are those of its predictions, too."""
    about = json.loads(tree.attrs.get("provenance", "{}"))
    design = tree["constant_data"].attrs
    choices = {key: about.get(key) for key in FIT_CHOICES}
    choices |= {"dataset": str(design["dataset"]), "model": spec_of(tree).name}
    attrs = {"title": about.get("title"), "synthetic": bool(design.get("synthetic", 0))}
    return choices, attrs | {name: about.get(name, []) for name in ("sources", "notes")}
