"""Which tables and figures exist and where they go; a folder is complete or not there."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from bayesmeta import checks, contrasts, discrepancy, estimates, figures, pages
from bayesmeta.errors import BadInput
from bayesmeta.progress import Steps
from bayesmeta.provenance import hashes, write_json


@contextmanager
def staging(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place, file by file, when the block ends well, and else vanishes.

    Raises
    ------
    BadInput
        `out` cannot be written: not a folder, no permission, no space left.
    """
    missing = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        if out.exists() and not out.is_dir():
            raise NotADirectoryError(20, "a file of that name exists")
        out.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        try:
            yield staged
            _move(staged, out)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    except BaseException as error:
        for folder in missing:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        if isinstance(error, OSError):
            raise BadInput(
                f"cannot write to {out}: {error.strerror or error}; name another folder with --out"
            ) from error
        raise


def _move(staged: Path, out: Path) -> None:
    for file in sorted(path for path in staged.rglob("*") if path.is_file()):
        target = out / file.relative_to(staged)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)


def fit_tables(tree: xr.DataTree) -> dict[str, pd.DataFrame]:
    """The tables of a fit by file name: terms, heterogeneity, contrasts, prediction; of a model with sides, theirs."""
    tables = {
        "terms": estimates.terms_table(tree),
        "heterogeneity": estimates.heterogeneity_table(tree),
        "contrasts": contrasts.contrasts_table(tree),
        "prediction": estimates.prediction_table(tree),
    }
    sided = {"discrepancies": discrepancy.discrepancies_table, "concordance": discrepancy.concordance_table}
    return tables | {name: table for name, make in sided.items() if len(table := make(tree))}


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
        diagnostics = checks.diagnose(tree)
        write_json(folder / "diagnostics.json", diagnostics)
    with steps("writing tables"):
        _write_tables(folder, tables)
    with steps("drawing figures"):
        (folder / "figures").mkdir()
        write_figures(folder / "figures", tree, tables, provenance)
    with steps("writing posterior.nc"):
        write_tree(folder / "posterior.nc", tree, provenance | {"timings": steps.seconds})
    write_json(folder / "provenance.json", provenance | {"timings": steps.seconds, "outputs": hashes(folder)})
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
    """Forest of the terms, caterpillar of studies, traces and ranks, prior against posterior of the taus."""
    scale, (source, title) = tree["constant_data"].attrs["scale"], _labels(provenance)

    def save(name: str, figure: Figure, table: pd.DataFrame | dict[str, pd.DataFrame]) -> None:
        figures.save(figure, folder / name, table, synthetic=provenance["synthetic"], source=source)

    forest, studies, taus = estimates.forest_table(tree), estimates.studies_table(tree), estimates.density_table(tree)
    chains = {"trace": checks.trace_table(tree), "ranks": checks.rank_table(tree)}
    save("forest", figures.draw_forest(forest, xlabel=scale, title=f"Means: {title}"), forest)
    save("caterpillar", figures.draw_caterpillar(studies, xlabel=scale, title=f"Studies: {title}"), studies)
    save("taus", figures.draw_prior_posterior(taus, title=f"Heterogeneity: {title}"), taus)
    save("chains", figures.draw_trace(chains["trace"], chains["ranks"], title=f"Chains: {title}"), chains)
    if "discrepancies" in tables:
        _write_sides(save, tree, tables["discrepancies"], scale, title)


def _write_sides(save: Callable[..., None], tree: xr.DataTree, table: pd.DataFrame, scale: str, title: str) -> None:
    """Ridge of the discrepancies; for the first side and each other a mirrored forest and a plot of quadrants."""
    densities = discrepancy.densities_table(tree)
    rope = contrasts.spec_of(tree).rope
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


def write_comparison(
    folder: Path,
    tables: Mapping[str, pd.DataFrame],
    curves: Mapping[str, pd.DataFrame],
    design: xr.Dataset,
    provenance: dict[str, Any],
    steps: Steps,
) -> None:
    """Write what a comparison leaves behind into an empty folder.

    tables/*.csv, figures/paired and profiles (PNG, SVG, CSV), comparison.html, provenance-comparison.json.
    """
    _write_tables(folder, tables)
    with steps("drawing figures"):
        (folder / "figures").mkdir()
        source, title = _labels(provenance)
        for name, figure in (
            ("paired", figures.draw_paired(curves["paired"], xlabel=design.attrs["scale"], title=f"Schools: {title}")),
            ("profiles", figures.draw_profiles(curves["profiles"], title=f"Heterogeneity: {title}")),
        ):
            figures.save(
                figure, folder / "figures" / name, curves[name], synthetic=provenance["synthetic"], source=source
            )
    about = {key: provenance[key] for key in ("dataset", "model", "title", "synthetic", "notes")}
    about |= {"k": design.sizes["effect"], "studies": design.sizes["study"], "source": source}
    drawn = {name: folder / "figures" / f"{name}.svg" for name in ("paired", "profiles")}
    (folder / "comparison.html").write_text(pages.comparison_page(tables, drawn, about), encoding="utf-8")
    write_json(
        folder / "provenance-comparison.json", provenance | {"timings": steps.seconds, "outputs": hashes(folder)}
    )


def _write_tables(folder: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    (folder / "tables").mkdir()
    for name, table in tables.items():
        table.to_csv(folder / "tables" / f"{name}.csv", index=False)


def _labels(provenance: Mapping[str, Any]) -> tuple[str, str]:
    """Source line and title of a figure."""
    title = f"{provenance['dataset']}, {provenance['model']}"
    seed = "" if provenance["seed"] is None else f", seed {provenance['seed']}"
    return f"bayesmeta {provenance['versions']['bayesmeta']}, {title}{seed}, {provenance['created']}", title
