"""Files of `bayesmeta data`."""

import pandas as pd

from bayesmeta.output import figures
from bayesmeta.output.folders.folder import Folder, Tables


def write_data(folder: Folder, tables: Tables) -> None:
    """Write tables/*.csv, and the figures flow and risk_of_bias if their tables exist."""
    folder.write_tables(tables)
    variant = folder.provenance["variant"]
    title = folder.provenance["dataset"] + (f" ({variant})" if variant else "")
    with folder.steps("drawing figures"):
        if (flow := tables.get("flow")) is not None:
            figure = figures.draw_flow(flow, title=f"From records to effects: {title}")
            folder.write_figure("flow", figure, flow)
        if (items := tables.get("risk_of_bias_items")) is not None:
            figure = figures.draw_risk_of_bias(items, title=f"Risk of bias: {title}")
            folder.write_figure("risk_of_bias", figure, items)


def write_listing(
    folder: Folder, tables: Tables, frame: pd.DataFrame, flow: pd.DataFrame | None
) -> None:
    """Write what `write_data` writes; effects.csv and .parquet, sizes.csv and flow.csv."""
    write_data(folder, tables)
    folder.write_provenance("provenance-data.json")
    frame.to_csv(folder.path / "effects.csv", index=False)
    frame.to_parquet(folder.path / "effects.parquet", index=False)
    tables["sizes"].to_csv(folder.path / "sizes.csv", index=False)
    if flow is not None:
        flow.to_csv(folder.path / "flow.csv", index=False)
