"""The reference grid of a posterior: categories at their levels, numbers at their means."""

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import pandas as pd
import xarray as xr

from bayesmeta.estimates.margins.moderators import Moderators, listed, moderators_of
from bayesmeta.estimates.margins.rows import typed_rows, typed_values
from bayesmeta.infrastructure.errors import BadInput

LARGEST = 20_000  # rows of a grid


def parse_at(text: str) -> dict[str, list[str]]:
    """Values by moderator of `dose=1,2,5; species=rat`.

    Raises
    ------
    BadInput
        It cannot be read.
    """
    found: dict[str, list[str]] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        name, equals, values = part.partition("=")
        listed = [value.strip() for value in values.split(",")]
        if not equals or not name.strip() or "" in listed or name.strip() in found:
            raise BadInput(
                f"--at cannot be read at '{part}'; write each moderator once: \"dose=1,2,5; species=rat\""
            )
        found[name.strip()] = listed
    return found


def reference_grid(
    tree: xr.DataTree, at: Mapping[str, Sequence[Any]] | None = None
) -> pd.DataFrame:
    """Every combination of the moderators' values, the last one fastest; one row without moderators.

    Parameters
    ----------
    tree : DataTree
        With groups posterior and constant_data.
    at : mapping, optional
        Values of some moderators, in place of a category's levels and a number's mean.

    Raises
    ------
    BadInput
        A name that is no moderator, a level that does not exist, a value that is no number.
    """
    moderators, at = moderators_of(tree), at or {}
    if unknown := [name for name in at if name not in moderators.names]:
        raise BadInput(
            f"{listed(unknown)} are no moderators of this model; it has: {listed(moderators.names)}"
        )
    asked = {
        name: typed_values(moderators, name, pd.Series(list(own)), None).tolist()
        for name, own in at.items()
    }
    values = [asked.get(name) or _values(moderators, name) for name in moderators.names]
    if (size := prod(map(len, values))) > LARGEST:
        raise BadInput(
            f"the reference grid has {size} rows, more than {LARGEST}; name fewer values with --at, or --new"
        )
    return typed_rows(
        moderators, pd.DataFrame(list(product(*values)), columns=list(moderators.names))
    )


def _values(moderators: Moderators, name: str) -> list[Any]:
    return moderators.levels.get(name) or [float(moderators.columns[name].mean())]
