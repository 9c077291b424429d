"""Files of `bayesmeta predict`."""

import pandas as pd

from bayesmeta.estimates.margins import Curves
from bayesmeta.output import figures
from bayesmeta.output.folders.fit import draw_curves
from bayesmeta.output.folders.folder import Folder, Tables

MAX_ROWS = 40  # of a forest: more would not fit on a page


def write_predict(
    folder: Folder, tables: Tables, curves: Curves | None, rows: pd.DataFrame, scale: str
) -> None:
    """Write tables/*.csv, and figures/conditional of `curves`, or else figures/predicted of `rows`.

    The tables are predicted, marginal_means and marginal_contrasts; rows have the columns of
    `draw_forest`. The name of the axis of means is `scale`.
    """
    folder.write_tables(tables)
    with folder.steps("drawing figures"):
        if curves:
            draw_curves(folder, "conditional", curves, "Predicted", scale)
        elif 0 < len(rows) <= MAX_ROWS:
            folder.draw("predicted", figures.draw_forest, rows, "Predicted", xlabel=scale)
