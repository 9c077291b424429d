"""What a check leaves behind."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from bayesmeta.infrastructure.progress import Steps
from bayesmeta.estimates.text import words
from bayesmeta.output import figures, pages
from bayesmeta.output.folders.staging import labels_of, write_provenance, write_tables

PANELS = 12


def write_check(
    folder: Path,
    tables: Mapping[str, pd.DataFrame],
    verdicts: list[tuple[str, str, str]],
    design: xr.Dataset,
    provenance: dict[str, Any],
    steps: Steps,
) -> None:
    """Write what a check leaves behind into an empty folder.

    tables/*.csv (check.csv the verdicts), figures (PNG, SVG, CSV), check.html, provenance-check.json. Tables behind a
    figure alone are written beside it.
    """
    kept = {name: table for name, table in tables.items() if name not in ("funnel_replicates", "funnel_points")}
    write_tables(folder, kept | {"check": pd.DataFrame(verdicts, columns=["check", "state", "sentence"])})
    with steps("drawing figures"):
        (folder / "figures").mkdir()
        _write_check_figures(folder / "figures", tables, design, provenance)
    about = {key: provenance[key] for key in ("dataset", "model", "title", "synthetic", "notes")}
    about |= {"k": design.sizes["effect"], "studies": design.sizes["study"], "source": labels_of(provenance)[0]}
    drawn = {path.stem: path for path in sorted((folder / "figures").glob("*.svg")) if path.stem in pages.CAPTIONS}
    page = pages.check_page(tables, drawn, about | {"verdicts": verdicts})
    (folder / "check.html").write_text(page, encoding="utf-8")
    write_provenance(folder / "provenance-check.json", provenance, steps)


def _write_check_figures(
    folder: Path, tables: Mapping[str, pd.DataFrame], design: xr.Dataset, provenance: Mapping[str, Any]
) -> None:
    """Funnels, of all and of each cell; bias; studies; Baujat; GOSH; sensitivity; as far as their tables are there."""
    source, title = labels_of(provenance)
    scale, terms = design.attrs["scale"], [str(term) for term in design["term"].values]

    def save(name: str, figure: Figure, table: pd.DataFrame | dict[str, pd.DataFrame]) -> None:
        figures.save(figure, folder / name, table, synthetic=provenance["synthetic"], source=source)

    if "funnel" in tables:
        points, statistics, draws = (tables[name] for name in ("funnel_points", "funnel", "funnel_replicates"))
        for cell, mean in tables["funnel_cells"].set_index("cell")["mean"].items():
            named = f"Funnel: {title}" + ("" if cell == "all" else f", {words(cell)}")
            drawn = figures.draw_funnel(
                points, statistics, draws, title=named, cell=str(cell), zero=None if cell == "all" else -mean
            )
            own = {"points": points, "replicates": draws}
            own = {key: table if cell == "all" else table[table["cell"] == cell] for key, table in own.items()}
            save("funnel" if cell == "all" else f"funnel_{str(cell).replace(':', '-')}", drawn, own)
    if "bias_cells" in tables:
        shown = {name: tables[f"bias_{name}"] for name in ("cells", "parameters", "models")}
        save("bias", figures.draw_bias(*shown.values(), title=f"Bias models: {title}", xlabel=scale), shown)
    if "influence_studies" in tables:
        studies = tables["influence_studies"]
        save("studies", figures.draw_leave_one_out(studies, title=f"Studies left out: {title}"), studies)
    if "baujat" in tables:
        save("baujat", figures.draw_baujat(tables["baujat"], title=f"Outlying studies: {title}"), tables["baujat"])
        gosh = _at_most(tables["gosh"], PANELS, terms)
        save("gosh", figures.draw_gosh(gosh, title=f"Subsets of studies: {title}", xlabel=scale), gosh)
    if "psense" in tables:
        pair = {"psense": tables["psense"], "refits": tables["prior_refits"]}
        save("sensitivity", figures.draw_sensitivity(*pair.values(), title=f"Priors: {title}", xlabel=scale), pair)


def _at_most(gosh: pd.DataFrame, panels: int, terms: Sequence[str]) -> pd.DataFrame:
    """All contrasts, or where they are too many those that are no single terms, or the first."""
    names = [str(name) for name in gosh["contrast"].unique()]
    if len(names) > panels:
        names = ([name for name in names if name not in terms] or names)[:panels]
    return gosh[gosh["contrast"].isin(names)]
