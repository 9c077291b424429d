"""Effect tables: read by name, computed from raw numbers, made of a DataFrame as of a file."""

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike

from bayesmeta.commands.request import Request, columns_of, read_effects
from bayesmeta.data.datasets import DATASETS
from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.data.schema import nearest
from bayesmeta.data.table import Reading, build_effects, cell_text
from bayesmeta.infrastructure.errors import BadInput


def read(
    source: str | Path, *, variant: str = "calibrated", columns: str | Mapping[str, str] | None = None
) -> pd.DataFrame:
    """The effect table of a dataset's name or of a file, as `--dataset` of the command line reads it.

    Parameters
    ----------
    source : a name (preclinical, clinical, clinical-all, translational, preclinical-twin, clinical-twin ...) or a .csv,
        .tsv, .xlsx or .parquet file.
    variant : of the named datasets: strict, extended or calibrated.
    columns : of a file, which column is what: "study=district, yi=es" or {"study": "district", "yi": "es"}.

    Returns
    -------
    DataFrame : a row per effect with study, group, effect, yi, vi and moderators; `attrs` say where it is from.

    Raises
    ------
    BadInput
        The name is unknown, or the file cannot be used: every problem on a line of its own.

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
        raise BadInput(f"source is a {_kind(source)}; it should be a dataset's name or the path of a file")
    frame = read_effects(Request(str(source), variant=variant, columns=columns_of(None, columns)))
    _warn_of_rows(frame.attrs["notes"])
    return frame


def effects(
    measure: str, frame: pd.DataFrame | None = None, *, vtype: str = "LS", **columns: str | ArrayLike
) -> pd.DataFrame:
    """Effect sizes and their sampling variances, under the names of metafor's `escalc`.

    Parameters
    ----------
    measure : a name in `bayesmeta.effects.MEASURES`: SMD, SMDH, MD, ROM, ZCOR, OR, RR, RD, SMCC, SMCRP.
    frame : a table whose columns are used under the measure's names (m1i, sd1i, n1i, m2i, sd2i, n2i ...).
    vtype : variance estimator; UB for SMD alone.
    **columns : the measure's columns as arrays; or, with a frame, as names of its columns.

    Returns
    -------
    DataFrame : the frame with yi and vi; without a frame yi and vi alone.

    Raises
    ------
    BadInput
        An unknown measure or column, columns that complete no form, or numbers that are impossible, with their rows.

    Source: metafor's `escalc`.

    Examples
    --------
    >>> import bayesmeta
    >>> bayesmeta.effects("SMD", m1i=[5.2, 4.9], sd1i=[1, 1.2], n1i=20, m2i=[4.5, 5], sd2i=1.1, n2i=[20, 18]).round(3)
          yi     vi
    0  0.653  0.105
    1 -0.085  0.106
    """
    known = MEASURES.get(measure) if isinstance(measure, str) else None
    if known is None:
        raise BadInput(f"unknown measure {measure!r}{nearest(str(measure), MEASURES)}; known: {', '.join(MEASURES)}")
    if vtype not in known.vtypes:
        raise BadInput(f"unknown vtype {vtype!r}; {measure} has {', '.join(known.vtypes)}")
    given = dict(columns) if frame is None else _columns_of(check_frame(frame), known.forms, columns)
    form = known.form(list(given))
    forms = " or ".join(", ".join(form) for form in known.forms)
    if form is None or (unknown := set(columns).difference(*known.forms)):
        wrong = f", of which {', '.join(sorted(unknown))} is none of them" if form else ""
        raise BadInput(f"{measure} takes {forms}; got {', '.join(given) or 'no columns'}{wrong}")
    rows = None if frame is None else rows_of(frame)
    try:
        yi, vi = known(vtype=vtype, rows=rows, **{name: given[name] for name in form})
    except ValueError as error:
        raise BadInput(f"{measure}: {', '.join(form)} should be numbers, as many in each or one: {error}") from error
    if frame is None:
        return pd.DataFrame({"yi": yi, "vi": vi}, index=None if yi.ndim else [0])
    made = frame.assign(yi=yi, vi=vi)
    made.attrs = frame.attrs | {"scale": known.title}
    return made


def _columns_of(frame: pd.DataFrame, forms: Any, columns: dict[str, Any]) -> dict[str, Any]:
    """A measure's columns of a frame: those of its own names, and those that are said."""
    names = {name: name for form in forms for name in form if name in frame.columns}
    found: dict[str, Any] = {}
    for name, asked in (names | columns).items():
        if isinstance(asked, str) and asked not in frame.columns:
            raise BadInput(f"{name} is to be {asked!r}, which is not a column{nearest(asked, frame.columns)}")
        found[name] = pd.to_numeric(frame[asked], errors="coerce").to_numpy(float) if isinstance(asked, str) else asked
    return found


def effect_table(frame: pd.DataFrame) -> pd.DataFrame:
    """A user's DataFrame as an effect table, by the rules for files (`studies.table.read_table`).

    Parameters
    ----------
    frame : a row per effect with study and yi, vi (or sei), or a measure's columns under metafor's names, or names
        that people use in their place; group and effect are made where they lack. A categorical column keeps the order
        of its levels.

    Returns
    -------
    DataFrame : as `read` gives it; its `sheet_row` is the frame's index, by which errors name rows.

    Raises
    ------
    BadInput
        No DataFrame, or everything in it that cannot be used, on a line each.

    Warns
    -----
    UserWarning
        Rows report no effect and are left out.
    """
    if check_frame(frame).attrs.get("dataset") in DATASETS:
        return frame
    ordered = frame.select_dtypes("category")
    orders = {str(name): [cell_text(level) for level in column.cat.categories] for name, column in ordered.items()}
    reading = build_effects(Reading(_text(frame), orders=orders))
    table = reading.frame
    _warn_of_rows(reading.messages)
    attrs: dict[Any, Any] = {"dataset": "table", "title": "effects from a DataFrame", "synthetic": False, "sources": []}
    attrs |= table.attrs | frame.attrs
    table.attrs = attrs | {"notes": [*attrs.get("notes", []), *reading.messages]}
    return table


def _warn_of_rows(notes: Iterable[str]) -> None:
    """Rows that were left out are told here, as a command tells them before it begins."""
    for note in notes:
        if "rows are left out" in note:
            warnings.warn(note, stacklevel=3)


def check_frame(frame: object) -> pd.DataFrame:
    """The same, if it is a DataFrame with rows whose columns have names of their own."""
    if not isinstance(frame, pd.DataFrame):
        said = f"; bayesmeta.read({frame!r}) reads it" if isinstance(frame, str | Path) else ""
        raise BadInput(
            f"frame is a {_kind(frame)}; it should be a pandas DataFrame with a row per effect and the columns study, "
            f"yi and vi (or sei){said}"
        )
    names = pd.Index([str(name) for name in frame.columns])
    if names.has_duplicates:
        twice = ", ".join(names[names.duplicated()].unique())
        raise BadInput(f"the frame has more than one column named {twice}; each needs its own name")
    if not len(frame):
        raise BadInput(f"the frame has no rows; its columns are {', '.join(names) or 'none'}")
    return frame


def rows_of(frame: pd.DataFrame) -> list[Any]:
    """What errors call the rows of a frame: the rows of the sheet it was read from, else its index."""
    if "sheet_row" in frame.columns:
        return list(frame["sheet_row"])
    return list(range(len(frame))) if isinstance(frame.index, pd.MultiIndex) else list(frame.index)


def _text(frame: pd.DataFrame) -> pd.DataFrame:
    given = frame.drop(columns="sheet_row", errors="ignore")
    columns = {str(name): [cell_text(cell) for cell in column.astype(object)] for name, column in given.items()}
    return pd.DataFrame(columns, index=rows_of(frame), dtype="str")


def _kind(value: object) -> str:
    return type(value).__name__
