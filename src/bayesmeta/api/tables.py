"""Effect tables: read by name, computed from raw numbers, or made of a DataFrame."""

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike

from bayesmeta.commands.effects import columns_of, read_effects
from bayesmeta.commands.options import Request
from bayesmeta.data.datasets import DATASETS
from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.data.schema import nearest
from bayesmeta.data.table import understood
from bayesmeta.data.table.reading import BLANK
from bayesmeta.infrastructure.choices import Variant
from bayesmeta.infrastructure.errors import BadInput

DEFAULT_ATTRS: Mapping[Any, Any] = {
    "dataset": "table",
    "title": "effects from a DataFrame",
    "synthetic": False,
    "sources": [],
}


def read(
    source: str | Path,
    *,
    variant: Variant | None = None,
    columns: str | Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Read the effect table of a dataset or a file, as `--dataset` of the command line does.

    Parameters
    ----------
    source : str or Path
        Name of a dataset (preclinical, clinical, clinical-all, translational, preclinical-twin,
        clinical-twin ...) or a .csv, .tsv, .xlsx or .parquet file.
    variant : {"strict", "extended", "calibrated"}, optional
        Variant of a dataset that has several; the dataset's default variant by default.
    columns : str or mapping, optional
        Names of the columns in a file: "study=district, yi=es", or {"study": "district", "yi":
        "es"}.

    Returns
    -------
    DataFrame
        A row per effect with study, group, effect, yi, vi and moderators; `attrs` hold the origin.

    Raises
    ------
    BadInput
        The name is unknown, or the file cannot be used; every problem has a line.

    Examples
    --------
    >>> import bayesmeta
    >>> frame = bayesmeta.read("clinical-twin")
    >>> frame[["study", "valence", "phase", "yi", "vi"]].head(2).round(2)
          study    valence   phase    yi    vi
    0  twin-001  emotional  memory -1.21  0.11
    1  twin-001  emotional  memory -1.49  0.12
    """
    if not isinstance(source, str | Path):
        raise BadInput(
            f"source is a {type(source).__name__}; it should be a dataset's name or the path of a "
            "file"
        )
    request = Request(str(source), variant=variant, columns=columns_of(None, columns))
    frame = read_effects(request)
    warn_of_rows(frame.attrs["notes"])
    return frame


def effects(
    measure: str,
    frame: pd.DataFrame | None = None,
    *,
    vtype: str = "LS",
    **columns: str | ArrayLike,
) -> pd.DataFrame:
    """Compute effect sizes and their sampling variances, under the names of metafor's `escalc`.

    Parameters
    ----------
    measure : str
        SMD, SMDH, MD, ROM, ZCOR, OR, RR, RD, SMCC or SMCRP.
    frame : DataFrame, optional
        A table whose columns have the names of the measure (m1i, sd1i, n1i, m2i, sd2i, n2i ...).
    vtype : {"LS", "UB"}
        Variance estimator; UB only for SMD.
    **columns : str or array
        The measure's columns as arrays; or, with a frame, as names of its columns.

    Returns
    -------
    DataFrame
        The frame with yi and vi; without a frame only yi and vi.

    Raises
    ------
    BadInput
        The measure or a column is unknown, the columns complete no form of the measure, or numbers
        are impossible; their rows are given.

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
    known = MEASURES.get(measure) if isinstance(measure, str) else None
    if known is None:
        hint = nearest(str(measure), MEASURES)
        raise BadInput(f"unknown measure {measure!r}{hint}; known: {', '.join(MEASURES)}")
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
        names = ", ".join(form)
        raise BadInput(
            f"{measure}: {names} should be numbers, as many in each or one: {error}"
        ) from error
    if table is None:
        return pd.DataFrame({"yi": yi, "vi": vi}, index=None if yi.ndim else [0])
    completed = table.assign(yi=yi, vi=vi)
    completed.attrs = table.attrs | {"scale": known.title}
    return completed


def wrong_columns(
    measure: str, forms: Any, given: Mapping[str, Any], columns: Mapping[str, Any]
) -> str:
    """Return the message about columns that complete no form, or belong to none."""
    expected = " or ".join(", ".join(form) for form in forms)
    unknown = ", ".join(sorted(set(columns).difference(*forms)))
    ending = f", of which {unknown} belongs to none of them" if unknown else ""
    return f"{measure} takes {expected}; got {', '.join(given) or 'no columns'}{ending}"


def columns_in(frame: pd.DataFrame, forms: Any, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return a measure's columns: those of the frame with its names, and those that are given.

    Raises
    ------
    BadInput
        A name is not a column of the frame.
    """
    names = {name: name for form in forms for name in form if name in frame.columns}
    values: dict[str, Any] = {}
    for name, column in {**names, **columns}.items():
        if not isinstance(column, str):
            values[name] = column
            continue
        if column not in frame.columns:
            hint = nearest(column, frame.columns)
            raise BadInput(f"{name} is to be {column!r}, which is not a column{hint}")
        values[name] = pd.to_numeric(frame[column], errors="coerce").to_numpy(float)
    return values


def effect_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a user's DataFrame as an effect table, by the rules for files.

    Parameters
    ----------
    frame : DataFrame
        A row per effect with study and yi, vi (or sei), or a measure's columns under metafor's
        names or common alternative names; missing group and effect are made. A categorical column
        keeps the order of its levels.

    Returns
    -------
    DataFrame
        A table as from `read`; its `sheet_row` is the frame's index, by which errors name rows.

    Raises
    ------
    BadInput
        It is not a DataFrame, or it has values that cannot be used; every problem has a line.

    Warns
    -----
    UserWarning
        Rows report no effect and are left out.
    """
    if check_frame(frame).attrs.get("dataset") in DATASETS:
        return frame
    orders = {
        str(name): [cell_text(level) for level in column.cat.categories]
        for name, column in frame.select_dtypes("category").items()
    }
    notes = list[str]()
    table = understood(text_of(frame), {}, notes, orders=orders).frame
    warn_of_rows(notes)
    attrs = {**DEFAULT_ATTRS, **table.attrs, **frame.attrs}
    table.attrs = attrs | {"notes": [*attrs.get("notes", []), *notes]}
    return table


def warn_of_rows(notes: Iterable[str]) -> None:
    """Warn of rows that are left out; a command prints these notes."""
    for note in notes:
        if "rows are left out" in note:
            warnings.warn(note, stacklevel=3)


def check_frame(frame: object) -> pd.DataFrame:
    """Return the frame, if it is a DataFrame with rows and unique column names.

    Raises
    ------
    BadInput
        It is not.
    """
    if not isinstance(frame, pd.DataFrame):
        hint = f"; bayesmeta.read({frame!r}) reads it" if isinstance(frame, str | Path) else ""
        raise BadInput(
            f"frame is a {type(frame).__name__}; it should be a pandas DataFrame with a row per "
            f"effect and the columns study, yi and vi (or sei){hint}"
        )
    names = pd.Index([str(name) for name in frame.columns])
    if names.has_duplicates:
        repeated = ", ".join(names[names.duplicated()].unique())
        raise BadInput(
            f"the frame has more than one column named {repeated}; every column needs a unique name"
        )
    if not len(frame):
        raise BadInput(f"the frame has no rows; its columns are {', '.join(names) or 'none'}")
    return frame


def rows_of(frame: pd.DataFrame) -> list[Any]:
    """Return the names of rows in errors: rows of the sheet that was read, else the index."""
    if "sheet_row" in frame.columns:
        return list(frame["sheet_row"])
    return list(range(len(frame))) if isinstance(frame.index, pd.MultiIndex) else list(frame.index)


def text_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with every cell as text, as a file would be read."""
    columns = {
        str(name): [cell_text(cell) for cell in column.astype(object)]
        for name, column in frame.drop(columns="sheet_row", errors="ignore").items()
    }
    return pd.DataFrame(columns, index=rows_of(frame), dtype="str")


def cell_text(cell: object) -> str:
    """Return a cell as text; "" if it is blank."""
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return ""
    integer = isinstance(cell, float) and cell.is_integer()
    text = str(int(cell) if integer else cell).strip()  # type: ignore[call-overload]
    return "" if text in BLANK else text
