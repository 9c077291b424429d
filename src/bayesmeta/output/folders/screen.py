"""Files of `bayesmeta screen`."""

from collections.abc import Mapping

import pandas as pd

from bayesmeta.output import figures
from bayesmeta.output.folders.folder import Folder


def write_screen(
    folder: Folder, tables: Mapping[str, pd.DataFrame], followup: str, scale: str
) -> None:
    """Write tables/*.csv, figures and followup.toml."""
    folder.write_tables({name: table for name, table in tables.items() if len(table.columns)})
    folder.write_text("followup.toml", followup)
    dataset = folder.provenance["dataset"]
    target = folder.provenance["target"]
    title = f"{dataset}, target {target}, folds by {folder.provenance['folds']}"
    draw = {
        "importance": lambda table: figures.draw_importance(table, title=f"Importance: {title}"),
        "dependence": lambda table: figures.draw_dependence(
            table, title=f"Dependence: {title}", ylabel=scale
        ),
        "pairs": lambda table: figures.draw_pairs(table, title=f"Pairs: {title}", label=scale),
        "convergence": lambda table: figures.draw_convergence(
            table, title=f"Number of trees: {title}"
        ),
        "tree": lambda table: figures.draw_tree(table, title=f"Meta-tree: {dataset}", xlabel=scale),
    }
    with folder.steps("drawing figures"):
        for name in (name for name in draw if len(tables[name])):
            folder.write_figure(name, draw[name](tables[name]), tables[name])
