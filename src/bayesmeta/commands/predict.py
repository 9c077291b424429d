"""What would a study of this kind find? From a folder with posterior.nc to predictions for new rows or a grid."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.infrastructure.provenance import provenance_of
from bayesmeta.model.spec import spec_of

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from rich.console import Console

SHOWN = 20  # rows on the console
PAIRED = 40  # levels of a category whose differences are written


def run_predict(
    results: Path,
    out: Path | None,
    console: "Console",
    *,
    at: str | None = None,
    new: Path | None = None,
    weights: str = "equal",
) -> int:
    """Predict, and write tables, a figure and provenance-predict.json; gives 0.

    Parameters
    ----------
    results : Path
        A folder that `bayesmeta fit` wrote.
    out : Path or None
        Where results go; default the same folder.
    console : Console
        Who is told.
    at : str, optional
        Values of moderators in the reference grid: `dose=1,2,5; species=rat`.
    new : Path, optional
        A file with the moderators' columns, in place of the grid.
    weights : {"equal", "frequency"}
        Of marginal means.

    Raises
    ------
    BadInput
        Nothing is written then.
    """
    if at is not None and new is not None:
        raise BadInput("--at fills the reference grid and --new takes its place; give one of them")
    steps = Steps(console)
    with steps("reading the posterior"):
        from bayesmeta.estimates import margins
        from bayesmeta.output import folders

        tree = read_posterior(results)
        values = margins.parse_at(at or "")
        rows = margins.reference_grid(tree, values) if new is None else read_rows(new)
    out = out or (results if results.is_dir() else results.parent)
    with folders.staging(out) as folder:
        with steps("predicting"):
            tables = predict(tree, rows, values, weights, grid=new is None)
            curves = margins.curves_along(tree, at=values, weights=weights)
        provenance = _provenance(tree, results, {"at": at, "new": None if new is None else str(new), "out": str(out)})
        scale = str(tree["constant_data"].attrs["scale"])
        drawn = forest_rows(tree, tables["predicted"])
        folders.write_predict(folder, tables, curves, drawn, scale, provenance | {"weights": weights}, steps)
    print_predict(console, tables, rows, out, synthetic=provenance["synthetic"])
    return 0


def read_posterior(results: Path) -> "xr.DataTree":
    """The tree of a folder's posterior.nc, or of that file.

    Raises
    ------
    BadInput
        There is none, it cannot be opened, or it has no terms.
    """
    import xarray as xr

    path = results / "posterior.nc" if results.is_dir() else results
    if not path.is_file():
        raise BadInput(f"{results} has no posterior.nc; name a folder that bayesmeta fit wrote")
    try:
        tree = xr.open_datatree(path, engine="h5netcdf").load()
        tree.close()
        terms = {"beta"} <= set(tree["posterior"].data_vars) and {"X"} <= set(tree["constant_data"].data_vars)
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"{path} cannot be read as a posterior: {error}; run bayesmeta fit again") from error
    if not terms:
        raise BadInput(f"{path} is of a model without terms for the mean effect, so there is nothing to predict")
    return tree


def read_rows(path: Path) -> "pd.DataFrame":
    """New rows of a file, every cell as text.

    Raises
    ------
    BadInput
        It cannot be read.
    """
    from bayesmeta.data.table import read_bytes, read_text

    try:
        text = read_text(path, read_bytes(path)).text
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
    return text.where(text != "").assign(sheet_row=text.index).reset_index(drop=True)


def predict(
    tree: "xr.DataTree", rows: "pd.DataFrame", at: dict[str, list[str]], weights: str, *, grid: bool
) -> "dict[str, pd.DataFrame]":
    """Tables by file name: predicted; of a grid marginal_means and marginal_contrasts of its categories."""
    import pandas as pd

    from bayesmeta.estimates import margins

    predicted = margins.predicted_table(tree, rows)
    tables = {"predicted": predicted.dropna(subset="mean") if grid else predicted}
    if not grid:
        return tables
    means, pairs = [], []
    for name in (name for name in margins.moderators_of(tree).levels if len(rows[name].unique()) > 1):
        try:
            table = margins.marginal_table(tree, name, at=at, weights=weights)
        except BadInput:  # every mean has a cell without effects in it
            continue
        table.insert(0, "moderator", name)
        means.append(table.rename(columns={name: "level"}))
        if 1 < len(table) <= PAIRED:
            own = margins.pairs_table(tree, margins.marginal_weights(tree, name, at=at, weights=weights))
            own.insert(0, "moderator", name)
            pairs.append(own)
    found = {"marginal_means": means, "marginal_contrasts": pairs}
    return tables | {name: pd.concat(parts, ignore_index=True) for name, parts in found.items() if parts}


def forest_rows(tree: "xr.DataTree", predicted: "pd.DataFrame") -> "pd.DataFrame":
    """Predictions as `figures.forest` draws them: term, mean, intervals of the lowest level, k, studies."""
    from bayesmeta.estimates import margins
    from bayesmeta.estimates.summaries import levels_of

    known, level = predicted.dropna(subset="mean"), levels_of(tree)[-1]
    ends = {f"pi_{level}_lb": "pi_lb", f"pi_{level}_ub": "pi_ub"}
    table = known[["mean", "ci_lb", "ci_ub", *ends, "k", "studies"]].rename(columns=ends)
    table.insert(0, "term", margins.row_labels(known, margins.moderators_of(tree)))
    return table.assign(pi_level=level).reset_index(drop=True)


def _provenance(tree: "xr.DataTree", results: Path, choices: dict[str, Any]) -> dict[str, Any]:
    """That of the fit goes on: its data, model and seed are those of the prediction."""
    about, design = json.loads(tree.attrs.get("provenance", "{}")), tree["constant_data"].attrs
    kept = {key: about.get(key) for key in ("dataset", "model", "model_sha256", "inputs_sha256", "seed")}
    kept |= {"dataset": str(design["dataset"]), "model": spec_of(tree).name, "results": str(results)}
    told = {"title": about.get("title"), "synthetic": bool(design.get("synthetic", 0))}
    told |= {"sources": about.get("sources", []), "notes": about.get("notes", [])}
    return provenance_of(kept | choices, told)


def print_predict(
    console: "Console", tables: "dict[str, pd.DataFrame]", rows: "pd.DataFrame", out: Path, *, synthetic: bool
) -> None:
    """Means and prediction intervals of the first rows, what lies beyond the data, where the files are."""
    from rich.markup import escape
    from rich.table import Table

    from bayesmeta.estimates.text import estimate_text, interval_text

    predicted = tables["predicted"]
    columns = [str(name) for name in predicted]
    names = columns[: columns.index("mean")]
    lower = [name for name in columns if name.startswith("pi_") and name.endswith("_lb")]
    heads = [f"new {name.removeprefix('pi_').removesuffix('_lb')}" for name in lower]
    mark = "SYNTHETIC  " if synthetic else ""
    table = Table(*names, "mean [95 %]", *heads, title=f"{mark}Predicted", title_justify="left")
    for row in predicted[:SHOWN].to_dict("records"):
        ends = [interval_text(row[name], row[f"{name[:-3]}_ub"]) for name in lower]
        mean = estimate_text(row["mean"], row["ci_lb"], row["ci_ub"])
        shown = [f"{row[name]:.4g}" if isinstance(row[name], float) else str(row[name]) for name in names]
        table.add_row(*shown, *(text.replace("[", "\\[") for text in (mean, *ends)))
    console.print(table)
    if len(predicted) > SHOWN:
        console.print(f"... and {len(predicted) - SHOWN} rows more")
    if (empty := int(predicted["mean"].isna().sum()) or len(rows) - len(predicted)) > 0:
        console.print(f"[yellow]not predicted, the model has no effects in their cells: {empty} rows[/yellow]")
    if (far := predicted["outside"].ne("")).any():
        named = ", ".join(sorted(set(", ".join(predicted["outside"][far]).split(", "))))
        console.print(f"[yellow]beyond the range of the data in {named}: {far.sum()} rows[/yellow]", highlight=False)
    console.print(
        f"written to [bold]{escape(str(out))}[/bold]: tables/predicted.csv, figures/, provenance-predict.json"
    )
