"""What a screening leaves behind."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmeta.infrastructure.progress import Steps
from bayesmeta.output import figures
from bayesmeta.output.folders.staging import labels_of, write_provenance, write_tables


def write_screen(
    folder: Path,
    tables: Mapping[str, pd.DataFrame],
    followup: str,
    provenance: dict[str, Any],
    scale: str,
    steps: Steps,
) -> None:
    """Write tables/*.csv, figures (PNG, SVG, CSV), followup.toml and provenance-screen.json into an empty folder."""
    write_tables(folder, {name: table for name, table in tables.items() if len(table.columns)})
    (folder / "followup.toml").write_text(followup, encoding="utf-8")
    source = labels_of(provenance)[0]
    title = f"{provenance['dataset']}, target {provenance['target']}, folds by {provenance['folds']}"
    drawn = {
        "importance": lambda table: figures.draw_importance(table, title=f"Importance: {title}"),
        "dependence": lambda table: figures.draw_dependence(table, title=f"Dependence: {title}", ylabel=scale),
        "pairs": lambda table: figures.draw_pairs(table, title=f"Pairs: {title}", label=scale),
        "convergence": lambda table: figures.draw_convergence(table, title=f"Number of trees: {title}"),
        "tree": lambda table: figures.draw_tree(table, title=f"Meta-tree: {provenance['dataset']}", xlabel=scale),
    }
    with steps("drawing figures"):
        (folder / "figures").mkdir()
        for name, draw in drawn.items():
            if len(table := tables[name]):
                figures.save(
                    draw(table), folder / "figures" / name, table, synthetic=provenance["synthetic"], source=source
                )
    write_provenance(folder / "provenance-screen.json", provenance, steps)
