"""Files of `bayesmeta plan`."""

import pandas as pd

from bayesmeta.output.figures.planning import draw_plan
from bayesmeta.output.folders.folder import Folder
from bayesmeta.planning import curves_table


def write_plan(folder: Folder, table: pd.DataFrame, stratum: str | None) -> None:
    """Write tables/plan.csv and figures/plan."""
    folder.write_tables({"plan": table})
    with folder.steps("drawing figures"):
        curves = curves_table(table)
        xlabel = f"new {stratum} studies" if stratum else "new studies"
        title = f"What would settle it? {folder.title}"
        folder.write_figure("plan", draw_plan(curves, xlabel=xlabel, title=title), curves)
