"""Checks of the arguments of the Python interface."""

from numbers import Real
from pathlib import Path

import pandas as pd
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput

COLUMNS = "the columns study, yi and vi (or sei)"
GROUPS = ("posterior", "constant_data")
ORIGIN = "it should be a DataTree from bayesmeta.fit, or from arviz.from_netcdf('posterior.nc')"


def check_frame(frame: object) -> pd.DataFrame:
    """Return the frame; raise BadInput unless it is a DataFrame with rows and unique columns."""
    if not isinstance(frame, pd.DataFrame):
        hint = f"; bayesmeta.read({frame!r}) reads it" if isinstance(frame, str | Path) else ""
        right = f"a pandas DataFrame with a row per effect and {COLUMNS}{hint}"
        raise BadInput(f"frame is a {type(frame).__name__}; it should be {right}")
    names = pd.Index([str(name) for name in frame.columns])
    if names.has_duplicates:
        repeated = ", ".join(names[names.duplicated()].unique())
        raise BadInput(f"the frame has more than one column named {repeated}; names must differ")
    if not len(frame):
        raise BadInput(f"the frame has no rows; its columns are {', '.join(names) or 'none'}")
    return frame


def check_text(name: str, value: object, example: str) -> None:
    """Raise BadInput if an argument is neither text nor None."""
    if value is not None and not isinstance(value, str):
        raise BadInput(f"{name} is a {type(value).__name__}; it should be text like {example!r}")


def check_rope(rope: object) -> None:
    """Raise BadInput unless a rope is None or a number of at least 0."""
    number = isinstance(rope, Real) and not isinstance(rope, bool)
    if rope is not None and (not number or not rope >= 0):  # type: ignore[operator]
        raise BadInput(f"rope is {rope!r}; it should be a number of at least 0")


def check_tree(tree: object) -> xr.DataTree:
    """Return the tree; raise BadInput if it is of another type, or lacks groups or the model."""
    if not isinstance(tree, xr.DataTree):
        raise BadInput(f"tree is a {type(tree).__name__}; {ORIGIN}")
    missing = [name for name in GROUPS if name not in tree.children]
    if missing:
        raise BadInput(f"tree lacks the groups {', '.join(missing)}; {ORIGIN}")
    if "model" not in tree["constant_data"].attrs:
        raise BadInput(f"tree does not name the model that it was made with; {ORIGIN}")
    return tree


def check_sizes(tree: object) -> xr.DataTree:
    """Return the tree; raise BadInput as `check_tree`, or if it is one of directions."""
    checked = check_tree(tree)
    if "vi" not in checked["constant_data"].data_vars:
        has = "it has terms, contrasts, parameters and diagnostics"
        others = "bayesmeta.inference.ordinal has its other tables"
        raise BadInput(f"the tree is one of directions, without effect sizes; {has}; {others}")
    return checked
