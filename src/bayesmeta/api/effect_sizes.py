"""Effect sizes from raw numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bayesmeta.api.checks import check_frame
from bayesmeta.api.tables import rows_of
from bayesmeta.api.wording import python_errors
from bayesmeta.data.effect_sizes import MEASURES, Measure, measures_table
from bayesmeta.data.effect_sizes.measure import Rows
from bayesmeta.infrastructure.choices import check_known, nearest
from bayesmeta.infrastructure.errors import BadInput


@python_errors
def effects(
    measure: str,
    frame: pd.DataFrame | None = None,
    *,
    vtype: str = "LS",
    **columns: str | ArrayLike,
) -> pd.DataFrame:
    """Compute effect sizes and their sampling variances, under the names of metafor's `escalc`.

    Raise BadInput if the measure or a column is unknown, the columns are incomplete for the
    measure, or numbers are impossible; their rows are given.

    Parameters
    ----------
    measure : str
        A name from metafor: SMD, MD, ROM, OR, RR, RD, IRR, PLO, ZCOR ...; `measures` lists all.
    frame : DataFrame, optional
        A table whose columns have the names of the measure (m1i, sd1i, n1i, m2i, sd2i, n2i ...).
    vtype : {"LS", "UB"}
        Variance estimator; UB only for SMD.
    **columns : str or array
        The measure's columns as arrays; or, with a frame, as names of its columns.

    Returns
    -------
    DataFrame
        The frame with yi and vi; without a frame only yi and vi. `attrs` hold the measure, its
        title (scale) and notes, such as the rows with an empty cell to which 1/2 was added.

    Source: metafor's `escalc`.

    Examples
    --------
    >>> import bayesmeta
    >>> bayesmeta.effects(
    ...     "SMD", m1i=[5.2, 4.9], sd1i=[1, 1.2], n1i=20, m2i=[4.5, 5], sd2i=1.1, n2i=[20, 18]
    ... ).round(3)
          yi     vi
    0  0.653  0.105
    1 -0.085  0.106
    """
    check_known("measure", measure, list(MEASURES))
    known = MEASURES[measure]
    if vtype not in known.vtypes:
        raise BadInput(f"unknown vtype {vtype!r}; {measure} has {', '.join(known.vtypes)}")
    table = None if frame is None else check_frame(frame)
    given = dict(columns) if table is None else columns_in(table, known.forms, columns)
    form = known.form(list(given))
    if form is None or set(columns).difference(*known.forms):
        raise BadInput(wrong_columns(measure, known.forms, given, columns if form else {}))
    numbers = {name: given[name] for name in form}
    rows = None if table is None else rows_of(table)
    try:
        yi, vi = known(vtype=vtype, rows=rows, **numbers)
    except ValueError as error:
        rule = f"{', '.join(form)} should be numbers, as many in each or one"
        raise BadInput(f"{measure}: {rule}: {error}") from error
    notes = notes_on(known, numbers, rows)
    if table is None:
        completed = pd.DataFrame({"yi": yi, "vi": vi}, index=None if yi.ndim else [0])
        notes_before = []
    else:
        completed = table.assign(yi=yi, vi=vi)
        completed.attrs = dict(table.attrs)
        notes_before = table.attrs.get("notes", [])
    completed.attrs |= {"scale": known.title, "measure": measure, "notes": [*notes_before, *notes]}
    return completed


def notes_on(measure: Measure, columns: Mapping[str, Any], rows: Rows) -> list[str]:
    """Return what a measure changed in the columns, and its warning, if it has any."""
    arrays = np.broadcast_arrays(*columns.values())
    values = {name: np.asarray(x, float) for name, x in zip(columns, arrays, strict=True)}
    return [*measure.notes(values, rows), *filter(None, [measure.warning])]


def measures() -> pd.DataFrame:
    """List the effect sizes that `effects` and the column `measure` of a table accept.

    Returns
    -------
    DataFrame
        measure (metafor's name), title, columns (alternatives are separated by "; "), scale (the
        meaning of the transformed number, "" if the effect size is not transformed),
        transformation (y is the effect size), difference (the meaning of a transformed
        difference), null (the effect size that means no effect; missing for a single group),
        guessed (whether its columns alone are enough to choose it).

    Examples
    --------
    >>> import bayesmeta
    >>> table = bayesmeta.measures().set_index("measure")
    >>> table.loc["PLO", ["title", "scale", "transformation"]].tolist()
    ['logit of a proportion', 'proportion', 'plogis']
    """
    return measures_table()


def wrong_columns(
    measure: str, forms: Any, given: Mapping[str, Any], columns: Mapping[str, Any]
) -> str:
    """Return the message about columns that complete no form, or belong to none."""
    expected = " or ".join(", ".join(form) for form in forms)
    unknown = ", ".join(sorted(set(columns).difference(*forms)))
    ending = f"; {unknown} is not among these" if unknown else ""
    return f"{measure} takes {expected}; got {', '.join(given) or 'no columns'}{ending}"


def columns_in(frame: pd.DataFrame, forms: Any, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return a measure's columns: those of the frame with its names, and those that are given.

    Raise BadInput if a name is not a column of the frame.
    """
    values: dict[str, Any] = {name: name for form in forms for name in form if name in frame}
    values |= columns
    for name, column in values.items():
        if isinstance(column, str):
            if column not in frame:
                hint = nearest(column, frame.columns)
                raise BadInput(f"{name} is given as {column!r}, which is not a column{hint}")
            values[name] = pd.to_numeric(frame[column], errors="coerce").to_numpy(float)
    return values
