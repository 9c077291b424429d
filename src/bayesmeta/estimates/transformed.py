"""Columns of a table on the scale on which an effect size is read, beside the others."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bayesmeta.data.effect_sizes import Scale

ENDING = "_transformed"
NAME = "scale"


def transformed(scales: Scale | Sequence[Scale], columns: dict[str, ArrayLike]) -> dict[str, Any]:
    """Return `scale` and the transformed columns, `ci_lb_transformed`; {} if no row has a scale.

    `scales` are one for all rows, or one per row; a row without a scale has missing numbers.
    """
    rows = {name: np.atleast_1d(np.asarray(values, float)) for name, values in columns.items()}
    length = len(next(iter(rows.values()), ()))
    of_rows = [scales] * length if isinstance(scales, Scale) else list(scales)
    if not any(scale.name for scale in of_rows):
        return {}
    added: dict[str, Any] = {NAME: [scale.name for scale in of_rows]}
    for name, values in rows.items():
        pairs = zip(of_rows, values, strict=True)
        added[name + ENDING] = [
            scale.back(value) if scale.name else np.nan for scale, value in pairs
        ]
    return added


def with_transformed(
    table: pd.DataFrame, scales: Scale | Sequence[Scale], columns: Sequence[str]
) -> pd.DataFrame:
    """Return a table with `transformed` columns at its end."""
    return table.assign(**transformed(scales, {name: table[name] for name in columns}))


def shown_tables(tables: Mapping[str, pd.DataFrame], transform: str) -> dict[str, pd.DataFrame]:
    """Return tables as they are ("auto"), or without their transformed columns ("none")."""
    if transform == "auto":
        return dict(tables)
    return {name: without_transformed(table) for name, table in tables.items()}


def without_transformed(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without the columns that `transformed` adds."""
    added = [name for name in map(str, table.columns) if name.endswith(ENDING)]
    return table.drop(columns=[*added, NAME]) if added else table
