"""Files of `bayesmeta multiverse`."""

from bayesmeta.output.figures.multiverse import draw_multiverse
from bayesmeta.output.folders.folder import Folder, Tables


def write_multiverse(folder: Folder, tables: Tables) -> None:
    """Write tables/*.csv and figures/multiverse; the table `cells` is written with the figure."""
    folder.write_tables({name: table for name, table in tables.items() if name != "cells"})
    with folder.steps("drawing figures"):
        title = f"Does each conclusion hold? {folder.title[0].upper()}{folder.title[1:]}"
        figure = draw_multiverse(tables["cells"], title=title)
        folder.write_figure("multiverse", figure, tables["cells"])
