"""Files of `bayesmeta multiverse`."""

from collections.abc import Mapping

import pandas as pd

from bayesmeta.output.figures.multiverse import draw_multiverse
from bayesmeta.output.folders.folder import Folder


def write_multiverse(folder: Folder, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write tables/*.csv and figures/multiverse; the table `cells` is written with the figure."""
    folder.write_tables({name: table for name, table in tables.items() if name != "cells"})
    title = folder.title
    with folder.steps("drawing figures"):
        heading = f"Does each conclusion hold? {title[0].upper()}{title[1:]}"
        figure = draw_multiverse(tables["cells"], title=heading)
        folder.write_figure("multiverse", figure, tables["cells"])
