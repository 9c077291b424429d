"""Files of `bayesmeta compare`."""

import xarray as xr

from bayesmeta.output import figures, pages
from bayesmeta.output.folders.folder import Folder, Tables


def write_comparison(folder: Folder, tables: Tables, curves: Tables, design: xr.Dataset) -> None:
    """Write tables/*.csv, figures/paired and profiles, and comparison.html."""
    folder.write_tables(tables)
    with folder.steps("drawing figures"):
        paired = curves["paired"]
        scale = design.attrs["scale"]
        folder.draw("paired", figures.draw_paired, paired, "Frequentist and Bayes", xlabel=scale)
        folder.draw("profiles", figures.draw_profiles, curves["profiles"], "Heterogeneity")
    drawn = {name: folder.path / "figures" / f"{name}.svg" for name in ("paired", "profiles")}
    page = pages.comparison_page(tables, drawn, folder.about(design))
    folder.write_text("comparison.html", page)
