"""What a look at the data leaves behind."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmeta.infrastructure.progress import Steps
from bayesmeta.output import figures
from bayesmeta.output.folders.staging import write_provenance, write_tables


def write_data(folder: Path, tables: Mapping[str, pd.DataFrame], provenance: dict[str, Any], steps: Steps) -> None:
    """Write what a look at the data leaves behind into an empty folder.

    tables/*.csv; figures flow and risk_of_bias as far as their tables (flow, risk_of_bias_items) are there (PNG, SVG,
    CSV); provenance-data.json.
    """
    write_tables(folder, tables)
    title = " ".join(filter(None, [provenance["dataset"], provenance["variant"] and f"({provenance['variant']})"]))
    source = f"bayesmeta {provenance['versions']['bayesmeta']}, {title}, {provenance['created']}"
    drawn = {
        "flow": ("flow", lambda table: figures.draw_flow(table, title=f"From records to effects: {title}")),
        "risk_of_bias": (
            "risk_of_bias_items",
            lambda table: figures.draw_risk_of_bias(table, title=f"Risk of bias: {title}"),
        ),
    }
    with steps("drawing figures"):
        (folder / "figures").mkdir()
        for name, (key, draw) in drawn.items():
            if key in tables:
                own = tables[key]
                figures.save(
                    draw(own), folder / "figures" / name, own, synthetic=provenance["synthetic"], source=source
                )
    write_provenance(folder / "provenance-data.json", provenance, steps)
