"""Effect tables: read by name, or made of a DataFrame."""

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmeta.api.checks import check_frame
from bayesmeta.api.wording import python_errors
from bayesmeta.commands.effects import columns_of, read_effects
from bayesmeta.commands.options import Request
from bayesmeta.data.datasets import DATASETS
from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.data.table import Reading, build_effects, cell_text
from bayesmeta.infrastructure.choices import Variant, check_known
from bayesmeta.infrastructure.errors import BadInput

SOURCES = "a dataset's name or the path of a file"
DEFAULT_ATTRS: Mapping[Any, Any] = {
    "dataset": "table",
    "title": "effects from a DataFrame",
    "synthetic": False,
    "sources": [],
}


@python_errors
def read(
    source: str | Path,
    *,
    variant: Variant | None = None,
    columns: str | Mapping[str, str] | None = None,
    measure: str | None = None,
) -> pd.DataFrame:
    """Read the effect table of a dataset or a file, as `--dataset` of the command line does.

    Raise BadInput if the name is unknown, or the file cannot be used; every problem has a line.

    Parameters
    ----------
    source : str or Path
        Name of a dataset (preclinical, clinical, clinical-all, translational, preclinical-twin,
        clinical-twin ...) or a file: .csv, .tsv, .xlsx, .ods, .dta, .parquet ...
    variant : {"strict", "extended", "calibrated"}, optional
        Variant of a dataset that has several; the dataset's default variant by default.
    columns : str or mapping, optional
        Names of the columns in a file: "study=district, yi=es", or {"study": "district", "yi":
        "es"}.
    measure : str, optional
        Effect size of a file, as metafor calls it: "OR", "PLO"; `measures` lists them. For a file
        with yi it states the measure of yi; estimates are then also shown transformed.

    Returns
    -------
    DataFrame
        A row per effect with study, group, effect, yi, vi and moderators; `attrs` hold the origin.

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
        raise BadInput(f"source is a {type(source).__name__}; it should be {SOURCES}")
    asked = columns_of(None, columns) | ({"measure": measure} if measure else {})
    request = Request(str(source), variant=variant, columns=asked)
    frame = read_effects(request)
    warn_of_rows(frame.attrs["notes"])
    return frame


def effect_table(
    frame: pd.DataFrame,
    *,
    measure: str | None = None,
    columns: str | Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return a user's DataFrame as an effect table, by the rules for files.

    A row per effect has study and yi, vi (or sei), or a measure's columns under metafor's names or
    common alternative names; missing group and effect are made. A categorical column keeps the
    order of its levels. The table is as from `read`; its `sheet_row` is the frame's index, by which
    errors name rows. Raise BadInput if it is not a DataFrame, or has values that cannot be used;
    every problem has a line. Warn of rows that report no effect and are left out.

    measure : effect size to compute. columns : the package's names to the frame's, as for `read`.
    """
    asked = columns_of(None, columns)
    if measure is not None:
        check_known("measure", measure, MEASURES)
        asked["measure"] = measure
    if check_frame(frame).attrs.get("dataset") in DATASETS and not asked:
        return frame
    orders = {
        str(name): [cell_text(level) for level in column.cat.categories]
        for name, column in frame.select_dtypes("category").items()
    }
    reading = build_effects(Reading(text_of(frame), orders=orders, asked=asked))
    table = reading.frame
    warn_of_rows(reading.messages)
    attrs = {**DEFAULT_ATTRS, **table.attrs, **frame.attrs}
    table.attrs = attrs | {"notes": [*attrs.get("notes", []), *reading.messages]}
    return table


def warn_of_rows(notes: Iterable[str]) -> None:
    """Warn of rows that are left out; a command prints these notes."""
    for note in notes:
        if "rows are left out" in note:
            warnings.warn(note, stacklevel=3)


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
