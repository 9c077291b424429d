"""What a comparison of two schools leaves behind."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from bayesmeta.infrastructure.progress import Steps
from bayesmeta.output import figures, pages
from bayesmeta.output.folders.staging import labels_of, write_provenance, write_tables


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
    write_tables(folder, tables)
    with steps("drawing figures"):
        (folder / "figures").mkdir()
        source, title = labels_of(provenance)
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
    write_provenance(folder / "provenance-comparison.json", provenance, steps)
