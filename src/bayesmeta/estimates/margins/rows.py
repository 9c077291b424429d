"""New rows: their values as the table has them, and the weights of the terms in their means."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.data.effect_sizes import places
from bayesmeta.data.schema import check_moderators, row_numbers
from bayesmeta.estimates.margins.moderators import Moderators, listed, moderators_of
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import code_rows, coding_of
from bayesmeta.model.spec import spec_of


def typed_rows(moderators: Moderators, rows: pd.DataFrame) -> pd.DataFrame:
    """The moderators' columns of new rows, as numbers and levels.

    Raises
    ------
    BadInput
        A column is missing, a cell is blank or no number, a level did not occur: with its rows.
    """
    if missing := [name for name in moderators.names if name not in rows]:
        raise BadInput(
            f"the rows lack {listed(missing)}; predicting needs the moderators {listed(moderators.names)} "
            f"and got the columns {listed(rows.columns)}"
        )
    check_moderators(rows, moderators.names)
    typed = {
        name: typed_values(moderators, name, rows[name], row_numbers(rows))
        for name in moderators.names
    }
    return pd.DataFrame(typed, index=range(len(rows)))


def typed_values(
    moderators: Moderators, name: str, values: pd.Series, rows: Sequence[int] | None
) -> pd.Series:
    """Values as the table has them; errors name them, by rows where they have some."""
    own = moderators.columns[name]
    if _is_text(own):
        given: pd.Series = values.astype(str).str.strip().reset_index(drop=True)
    else:
        given = pd.to_numeric(values, errors="coerce").astype(float).reset_index(drop=True)
        if (bad := given.isna()).any():
            raise BadInput(f"moderator '{name}' is a number; got {_got(bad, values, rows)}")
    if name not in moderators.fixed:
        return given
    known = {
        str(level) if _is_text(own) else float(level): level for level in moderators.levels[name]
    }
    if (bad := ~given.isin(list(known))).any():
        raise BadInput(
            f"moderator '{name}' has the levels {listed(moderators.levels[name])}; got {_got(bad, values, rows)}"
        )
    typed = given.map(known)
    return (
        pd.Series(pd.Categorical(typed, own.cat.categories))
        if isinstance(own.dtype, pd.CategoricalDtype)
        else typed
    )


def _is_text(values: pd.Series) -> bool:
    """Whether values are words, or true and false."""
    return not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)


def _got(bad: pd.Series, values: pd.Series, rows: Sequence[int] | None) -> str:
    given = values.astype(object)
    return (
        listed(dict.fromkeys(given[bad.to_numpy()])) if rows is None else places(bad, rows, given)
    )


def row_weights(tree: xr.DataTree, rows: pd.DataFrame) -> xr.DataArray:
    """Weights of the terms in the mean of each row, dims (contrast, term); nan in rows of cells without effects.

    Of a model with the slope of a bias the mean is that of a study too large to be selected.

    Raises
    ------
    BadInput
        As `typed_rows`.
    """
    moderators = moderators_of(tree)
    design = tree["constant_data"].to_dataset()
    rows = typed_rows(moderators, rows)
    coded = code_rows(coding_of(design, spec_of(tree)), rows)
    coded = coded.reindex(columns=list(map(str, design["term"].values)), fill_value=0.0)
    empty = coded.isna().any(axis=1).to_numpy()
    values = np.where(empty[:, None], np.nan, coded.to_numpy(float))
    return xr.DataArray(
        values,
        {"contrast": row_labels(rows, moderators), "term": list(coded)},
        ("contrast", "term"),
    )


def row_labels(rows: pd.DataFrame, moderators: Moderators) -> list[str]:
    """A name for each row, of its moderators in their order: `rat:dose 2`."""
    names = [str(name) for name in rows if name in moderators.names]
    if not names:
        return ["all"] * len(rows)
    return [
        ":".join(_label(moderators, name, row[name]) for name in names)
        for row in rows.to_dict("records")
    ]


def _label(moderators: Moderators, name: str, value: Any) -> str:
    own = moderators.columns[name]
    return (
        f"{name} {value:.4g}"
        if pd.api.types.is_numeric_dtype(own) and not isinstance(value, bool | str)
        else str(value)
    )
