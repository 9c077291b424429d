"""The reference grid of a posterior: categories at their levels, numbers at their means."""

from itertools import product
from math import prod

import pandas as pd
import xarray as xr

from bayesmeta.estimates.margins.moderators import At, check_names, moderators_of
from bayesmeta.estimates.margins.new_rows import typed_rows, typed_values
from bayesmeta.infrastructure.errors import BadInput

MAX_ROWS = 20_000  # a larger grid takes minutes and is nearly always a typing error


def reference_grid(tree: xr.DataTree, at: At = None) -> pd.DataFrame:
    """Return every combination of the moderators' values; a single row without moderators.

    The last moderator changes fastest. `at` has values of some moderators, instead of the levels of
    a category or the mean of a number. Raises BadInput for a name that is no moderator, a level
    that does not exist, a value that is no number, or too many rows.
    """
    moderators = moderators_of(tree)
    at = at or {}
    check_names(moderators, at)
    requested = {
        name: typed_values(moderators, name, pd.Series(list(values)), None).tolist()
        for name, values in at.items()
    }
    means = {name: [float(moderators.columns[name].mean())] for name in moderators.numbers}
    usual = means | moderators.levels
    values = [requested.get(name) or usual[name] for name in moderators.names]
    if (size := prod(map(len, values))) > MAX_ROWS:
        problem = f"the reference grid has {size} rows, more than {MAX_ROWS}"
        raise BadInput(f"{problem}; name fewer values with --at, or use --new")
    rows = pd.DataFrame(list(product(*values)), columns=list(moderators.names))
    return typed_rows(moderators, rows)
