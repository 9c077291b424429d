"""Files of `bayesmeta compare`."""

from collections.abc import Mapping

import pandas as pd
import xarray as xr

from bayesmeta.output import figures, pages
from bayesmeta.output.folders.folder import Folder


def write_comparison(
    folder: Folder,
    tables: Mapping[str, pd.DataFrame],
    curves: Mapping[str, pd.DataFrame],
    design: xr.Dataset,
) -> None:
    """Write tables/*.csv, figures/paired and profiles, and comparison.html."""
    folder.write_tables(tables)
    with folder.steps("drawing figures"):
        scale = design.attrs["scale"]
        title = f"Frequentist and Bayes: {folder.title}"
        paired = figures.draw_paired(curves["paired"], xlabel=scale, title=title)
        folder.write_figure("paired", paired, curves["paired"])
        title = f"Heterogeneity: {folder.title}"
        profiles = figures.draw_profiles(curves["profiles"], title=title)
        folder.write_figure("profiles", profiles, curves["profiles"])
    drawn = {name: folder.path / "figures" / f"{name}.svg" for name in ("paired", "profiles")}
    page = pages.comparison_page(tables, drawn, folder.about(design))
    folder.write_text("comparison.html", page)
