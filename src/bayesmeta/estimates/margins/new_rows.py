"""New rows: moderator values in their types, and weights of the terms in the rows' means."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.data.effect_sizes import places
from bayesmeta.data.schema import check_moderators, row_numbers
from bayesmeta.estimates.margins.moderators import Moderators, is_category, listed, moderators_of
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import code_rows, coding_of
from bayesmeta.model.spec import spec_of


def typed_rows(moderators: Moderators, rows: pd.DataFrame) -> pd.DataFrame:
    """Return moderators of rows as numbers and levels; BadInput names absent or bad cells."""
    if missing := [name for name in moderators.names if name not in rows]:
        needed = f"predicting needs the moderators {listed(moderators.names)}"
        got = f"got the columns {listed(rows.columns)}"
        raise BadInput(f"the rows lack {listed(missing)}; {needed} and {got}")
    check_moderators(rows, moderators.names)
    numbers = row_numbers(rows)
    columns = [typed_values(moderators, name, rows[name], numbers) for name in moderators.names]
    return pd.DataFrame(dict(zip(moderators.names, columns, strict=True)), index=range(len(rows)))


def typed_values(
    moderators: Moderators, name: str, values: pd.Series, rows: Sequence[int] | None
) -> pd.Series:
    """Return values in the type of the column, or BadInput; `rows`: their numbers in a file."""
    column = moderators.columns[name]
    if is_category(column):
        given: pd.Series = values.astype(str).str.strip().reset_index(drop=True)
    else:
        given = pd.to_numeric(values, errors="coerce").astype(float).reset_index(drop=True)
        if (bad := given.isna()).any():
            raise BadInput(f"moderator '{name}' is a number; got {_got(bad, values, rows)}")
    if name not in moderators.fixed:
        return given
    levels = moderators.levels[name]
    by_value = {str(level) if is_category(column) else float(level): level for level in levels}
    if (bad := ~given.isin(list(by_value))).any():
        got = _got(bad, values, rows)
        raise BadInput(f"moderator '{name}' has the levels {listed(levels)}; got {got}")
    typed = given.map(by_value)
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pd.Series(pd.Categorical(typed, column.cat.categories))
    return typed


def _got(bad: pd.Series, values: pd.Series, rows: Sequence[int] | None) -> str:
    """Return the bad values for an error message, with their rows if these have numbers."""
    given = values.astype(object)
    if rows is None:
        return listed(dict.fromkeys(given[bad.to_numpy()]))
    return places(bad, rows, given)


def row_weights(tree: xr.DataTree, rows: pd.DataFrame) -> xr.DataArray:
    """Return the weights (contrast, term) of the terms in the mean of every row.

    They are nan in rows of cells without effects. In a model with a small-study slope, the mean is
    that of a study too large for a small-study effect. Raises BadInput as `typed_rows`.
    """
    moderators = moderators_of(tree)
    design = tree["constant_data"].to_dataset()
    rows = typed_rows(moderators, rows)
    coded = code_rows(coding_of(design, spec_of(tree)), rows)
    coded = coded.reindex(columns=list(map(str, design["term"].values)), fill_value=0.0)
    empty = coded.isna().any(axis=1).to_numpy()
    values = np.where(empty[:, None], np.nan, coded.to_numpy(float))
    coordinates = {"contrast": row_labels(rows, moderators), "term": list(coded)}
    return xr.DataArray(values, coordinates, ("contrast", "term"))


def row_labels(rows: pd.DataFrame, moderators: Moderators) -> list[str]:
    """Return a label for every row, made of its moderators in their order: `rat:dose 2`."""
    names = [str(name) for name in rows if name in moderators.names]
    if not names:
        return ["all"] * len(rows)
    numeric = {name: pd.api.types.is_numeric_dtype(moderators.columns[name]) for name in names}

    def label(name: str, value: Any) -> str:
        number = numeric[name] and not isinstance(value, bool | str)
        return f"{name} {value:.4g}" if number else str(value)

    records = rows[names].to_dict("records")
    return [":".join(label(str(name), value) for name, value in row.items()) for row in records]
