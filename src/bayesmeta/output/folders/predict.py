"""What a prediction leaves behind."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmeta.estimates.margins import Curves
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.output import figures
from bayesmeta.output.folders.staging import labels_of, write_provenance, write_tables

ROWS = 40  # of a forest


def write_predict(
    folder: Path,
    tables: Mapping[str, pd.DataFrame],
    curves: Curves | None,
    rows: pd.DataFrame,
    scale: str,
    provenance: dict[str, Any],
    steps: Steps,
) -> None:
    """Write tables/*.csv, figures and provenance-predict.json into an empty folder.

    Parameters
    ----------
    tables : mapping
        predicted, and marginal_means, marginal_contrasts where there are any.
    curves : Curves or None
        Behind figures/conditional; None where no moderator is a number: then rows are drawn.
    rows : DataFrame
        What figures/predicted draws, columns as for `figures.forest`.
    scale : str
        Name of the axis of means.
    """
    write_tables(folder, tables)
    source, about = labels_of(provenance)
    title = f"Predicted: {about}"
    with steps("drawing figures"):
        (folder / "figures").mkdir()
        marks = {"synthetic": provenance["synthetic"], "source": source}
        if curves:
            names = {"xlabel": curves.xlabel, "ylabel": scale, "by": curves.by}
            figure = figures.draw_conditional(curves.lines, curves.points, **names, title=title)
            figures.save(figure, folder / "figures" / "conditional", curves.tables, **marks)
        elif 0 < len(rows) <= ROWS:
            figure = figures.draw_forest(rows, xlabel=scale, title=title)
            figures.save(figure, folder / "figures" / "predicted", rows, **marks)
    write_provenance(folder / "provenance-predict.json", provenance, steps)
