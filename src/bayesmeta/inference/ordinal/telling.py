"""What the console says of directions."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import xarray as xr


def opening(design: xr.Dataset, attrs: Mapping[Any, Any]) -> list[str]:
    """The first line, that there are no effect sizes, and the notes that a reader must see."""
    sizes = design.sizes
    first = (
        f"{attrs['dataset']}: {sizes['effect']} directions of {sizes['study']} papers, {sizes['term']} terms; "
        "no effect sizes"
    )
    return [first, *(f"note: {note}" for note in attrs.get("notes", []))]


def directions_told(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Probability of the highest direction on each side, prior beside posterior, and the review's count."""
    table = tables["directions"]
    best = table["direction"].iloc[-1]
    lines = []
    for row in table[table["direction"] == best].to_dict("records"):
        side = row[table.columns[0]]
        said = f"P({best} | {side}) {_interval(row)}, prior {_interval(row, 'prior_')}"
        lines.append(f"{said}; {row['rows']} of {row['of']} rows")
    for row in tables.get("aggregate", pd.DataFrame()).to_dict("records"):
        count = f"beside it, {row['enhanced']} of {row['studies']} reviewed studies"
        lines.append(f"{count}: share {_interval(row)}, prior {row['prior']}")
    return lines


def _interval(row: Mapping[Any, Any], prefix: str = "") -> str:
    return f"{row[f'{prefix}mean']:.2f} [{row[f'{prefix}ci_lb']:.2f}, {row[f'{prefix}ci_ub']:.2f}]"
