"""A user's file to an effect table: CSV, TSV, XLSX or Parquet, a row per effect.

A `Reading` passes through the stages in `STAGES`; every stage is a file of this folder.
"""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pandas as pd

from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.data.table.assembly import assemble, drop_rows
from bayesmeta.data.table.cells import cell_text
from bayesmeta.data.table.effects import fill_effects
from bayesmeta.data.table.files import KINDS, read_bytes, read_text
from bayesmeta.data.table.given import add_standard_errors
from bayesmeta.data.table.levels import add_moderators, label_levels
from bayesmeta.data.table.mapping import name_columns, parse_columns
from bayesmeta.data.table.reading import Reading
from bayesmeta.data.table.summaries import split_summaries
from bayesmeta.infrastructure.choices import check_known
from bayesmeta.infrastructure.errors import BadInput

STAGES = (
    split_summaries,
    name_columns,
    add_standard_errors,
    fill_effects,
    drop_rows,
    label_levels,
    add_moderators,
    assemble,
)


def read_table(
    path: str | Path, *, measure: str | None = None, columns: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return the effect table of a file, a row per effect.

    Raise BadInput if the file is missing, unreadable, empty, too large or ambiguous, or its columns
    or values cannot be used: every problem on a separate line, with rows numbered as in a
    spreadsheet.

    Columns: study, group and effect (text: an Excel 12 is "12"), yi, vi, every other column of the
    file and `sheet_row`. Other columns are floats if every filled cell is a number, else categories
    in alphabetical order, so that the order of the rows does not matter. Blank, NA, N/A and NaN are
    missing. `attrs`: dataset, synthetic, title, scale, sources, notes.

    Parameters
    ----------
    path : a .csv or .tsv (UTF-8, UTF-16 or Windows-1252), .xlsx (its first sheet) or .parquet file.
        Its first filled row is the header. It has `study`, and either yi with vi, with sei
        (vi = sei^2) or with ci_lb and ci_ub (95 %), or the columns of a measure under metafor's
        names (m1i, sd1i, n1i, m2i, sd2i, n2i). Common alternative names (author, g, se) are
        recognised if a single column can be meant. Without `group` every effect is a group;
        without `effect` effects are "study:1", "study:2", ...
    measure : the effect size to compute if there is no yi; a name in `MEASURES`; by default the
        first that the columns complete. A row uses the first form that it completes (means and SDs,
        t, F, p; SDs also from standard errors, means and SDs from quartiles).
    columns : the package's name to the file's, {"study": "district", "yi": "es"}; "district/school"
        joins two labels, "" sets a column of that name aside, "measure" names the measure,
        {"incomplete": "omit"} leaves out rows with an incomplete effect (rows that report nothing
        of it are always left out; a note lists them), "sheet" names the sheet of an .xlsx.
    """
    return read_file(path, measure=measure, columns=columns).frame


def read_file(
    path: str | Path, *, measure: str | None = None, columns: Mapping[str, str] | None = None
) -> Reading:
    """Return the effect table of a file with how the file was understood, see `read_table`."""
    path = Path(path)
    asked = dict(columns or {})
    measure = measure or asked.get("measure") or None
    if measure is not None:
        check_known("measure", measure, MEASURES)
        asked["measure"] = measure
    try:
        content = read_bytes(path)
        text = read_text(path, content, sheet=asked.get("sheet") or None)
        reading = build_effects(replace(text, asked=asked))
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error.__cause__
    source = {"name": path.name, "sha256": sha256(content).hexdigest(), "found_in": "file"}
    title = f"effects from {path.name}"
    attrs = {"dataset": path.stem, "synthetic": False, "title": title, "sources": [source]}
    reading.frame.attrs |= attrs | {"notes": list(reading.messages)}
    return reading


def build_effects(reading: Reading) -> Reading:
    """Return the reading with its effect table; raise BadInput with a line for every problem."""
    for stage in STAGES:
        reading = stage(reading)
    return reading
