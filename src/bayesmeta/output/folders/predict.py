"""Files of `bayesmeta predict`."""

from collections.abc import Mapping

import pandas as pd

from bayesmeta.estimates.margins import Curves
from bayesmeta.output import figures
from bayesmeta.output.folders.folder import Folder

MAX_ROWS = 40  # of a forest: more would not fit on a page


def write_predict(
    folder: Folder,
    tables: Mapping[str, pd.DataFrame],
    curves: Curves | None,
    rows: pd.DataFrame,
    scale: str,
) -> None:
    """Write tables/*.csv and a figure.

    Parameters
    ----------
    folder : Folder
        An empty folder.
    tables : mapping
        predicted; marginal_means and marginal_contrasts if there are any.
    curves : Curves or None
        Means along a numeric moderator, for figures/conditional; None if there is none.
    rows : DataFrame
        Rows for figures/predicted, which is drawn without curves; columns as `figures.forest`.
    scale : str
        Name of the axis of means.
    """
    folder.write_tables(tables)
    title = f"Predicted: {folder.title}"
    with folder.steps("drawing figures"):
        if curves:
            names = {"xlabel": curves.xlabel, "ylabel": scale, "by": curves.by}
            figure = figures.draw_conditional(curves.lines, curves.points, **names, title=title)
            folder.write_figure("conditional", figure, curves.tables)
        elif 0 < len(rows) <= MAX_ROWS:
            figure = figures.draw_forest(rows, xlabel=scale, title=title)
            folder.write_figure("predicted", figure, rows)
