"""Files of `bayesmeta screen`."""

from bayesmeta.output import figures
from bayesmeta.output.folders.folder import Folder, Tables


def write_screen(folder: Folder, tables: Tables, followup: str, scale: str) -> None:
    """Write tables/*.csv, figures and followup.toml."""
    folder.write_tables({name: table for name, table in tables.items() if len(table.columns)})
    folder.write_text("followup.toml", followup)
    dataset = folder.provenance["dataset"]
    target = folder.provenance["target"]
    title = f"{dataset}, target {target}, folds by {folder.provenance['folds']}"
    labels = {
        "importance": {"title": f"Importance: {title}"},
        "dependence": {"title": f"Dependence: {title}", "ylabel": scale},
        "pairs": {"title": f"Pairs: {title}", "label": scale},
        "convergence": {"title": f"Number of trees: {title}"},
        "tree": {"title": f"Meta-tree: {dataset}", "xlabel": scale},
    }
    with folder.steps("drawing figures"):
        for name, texts in labels.items():
            if len(table := tables[name]):
                figure = getattr(figures, f"draw_{name}")(table, **texts)
                folder.write_figure(name, figure, table)
