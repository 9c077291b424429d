"""The order of studies in a figure."""

import numpy as np
import pandas as pd

from bayesmeta.infrastructure.choices import nearest
from bayesmeta.infrastructure.errors import BadInput

ORDERS = {"effect": "estimate", "precision": "se", "weight": "weight", "label": "label"}


def study_order(studies: pd.DataFrame, raw: pd.DataFrame, sort: str) -> np.ndarray:
    """Return the positions of studies in the order of `sort`; equal ones stay as they are.

    `sort` is `given` (as in the table), `effect` (estimate), `precision`, `weight` (both from high
    to low), `label`, or a column of the table; a minus sign before it turns the order. `studies`
    has estimate, se, weight, label and members, the rows of `raw`; the value of a study is its
    smallest number or first text. Raises BadInput if there is no such order.
    """
    name = sort.removeprefix("-")
    if name == "given":
        order = np.arange(len(studies))
    elif name in ORDERS:
        values = studies[ORDERS[name]]
        order = _ascending(-values if name == "weight" else values)
    elif name in raw:
        order = _ascending(pd.Series([_first(raw[name].iloc[at]) for at in studies["members"]]))
    else:
        known = ["given", *ORDERS, *raw]
        problem = f"there is no order '{sort}'{nearest(name, known)}"
        raise BadInput(f"{problem}; sort by {', '.join(known)}")
    return order[::-1] if sort.startswith("-") else order


def _first(values: pd.Series) -> object:
    return values.min() if pd.api.types.is_numeric_dtype(values) else values.iloc[0]


def _ascending(values: pd.Series) -> np.ndarray:
    if not pd.api.types.is_numeric_dtype(values):
        values = values.astype(str).str.casefold()
    return np.argsort(values.to_numpy(), kind="stable")
