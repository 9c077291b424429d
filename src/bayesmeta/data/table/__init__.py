"""A user's file to an effect table with a row per effect.

A `Reading` passes through the stages in `STAGES`; every stage is a file of this folder.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pandas as pd

from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.data.table.alike import join_alike
from bayesmeta.data.table.assembly import assemble, drop_rows, unchecked_frame
from bayesmeta.data.table.cells import cell_text
from bayesmeta.data.table.effects import fill_effects
from bayesmeta.data.table.files import KINDS, read_bytes, read_text
from bayesmeta.data.table.given import add_standard_errors
from bayesmeta.data.table.levels import add_moderators, label_levels
from bayesmeta.data.table.mapping import name_columns, parse_columns
from bayesmeta.data.table.marks import mark_missing, plain_marks
from bayesmeta.data.table.numerals import plain_numbers
from bayesmeta.data.table.ratios import take_logarithms
from bayesmeta.data.table.reading import Reading
from bayesmeta.data.table.shape.long import turn_arms
from bayesmeta.data.table.shape.peto import read_peto
from bayesmeta.data.table.shape.splitting import split_cells
from bayesmeta.data.table.shape.totals import leave_out_totals
from bayesmeta.data.table.shape.wide import turn_outcomes
from bayesmeta.data.table.summaries import split_summaries
from bayesmeta.infrastructure.choices import check_known
from bayesmeta.infrastructure.errors import BadInput

Stage = Callable[[Reading], Reading]
Keep = Callable[[pd.DataFrame], pd.DataFrame]
CELLS = (
    mark_missing,
    plain_marks,
    split_summaries,
    split_cells,
    plain_numbers,
)  # what single cells mean
SHAPE = (leave_out_totals, read_peto, turn_outcomes, turn_arms)  # a row per effect
EFFECTS = (name_columns, take_logarithms, add_standard_errors, fill_effects)
LABELLED = (join_alike, label_levels, add_moderators)
STAGES = (*CELLS, *SHAPE, *EFFECTS, drop_rows, *LABELLED, assemble)


def read_table(
    path: str | Path,
    *,
    measure: str | None = None,
    columns: Mapping[str, str] | None = None,
    keep: Keep | None = None,
) -> pd.DataFrame:
    """Return the effect table of a file, a row per effect.

    Raise BadInput if the file is missing, unreadable, empty, too large or ambiguous, or its columns
    or values cannot be used: every problem on a separate line, with rows numbered as in a
    spreadsheet.

    Columns: study, group and effect (text: an Excel 12 is "12"), yi, vi, every other column of the
    file and `sheet_row`. Other columns are floats if every filled cell is a number, else categories
    in alphabetical order, so that the order of the rows does not matter. Blank, NA, NR, n/a, "-"
    and "." are missing. `attrs`: dataset, synthetic, title, scale, measure (if it is known),
    sources, notes: a line for everything that was guessed, left out or turned.

    Parameters
    ----------
    path : a text table (UTF-8, UTF-16 or Windows-1252), a workbook (its first sheet with a table),
        a .parquet file or one of a statistical package, see `KINDS`. Titles above the header are
        left out. It has `study`, and either yi with vi, with sei (vi = sei^2) or with ci_lb and
        ci_ub, or the columns of a measure under metafor's names (m1i, sd1i, n1i, m2i, sd2i, n2i).
        Common alternative names (author, g, HR, se, "Mean, drug") are recognised if a single column
        can be meant. Columns per outcome and rows per group are turned into a row per effect.
        Without `group` every effect is a group; without `effect` effects are "study:1", ...
    measure : the effect size to compute if there is no yi; a name in `MEASURES`; by default the one
        that uses most of the columns. A row uses the first form that it completes (means and SDs,
        t, F, p; SDs also from standard errors, means and SDs from quartiles).
    columns : the package's name to the file's, {"study": "district", "yi": "es"}; "district/school"
        joins two labels, "" sets a column of that name aside, "measure" names the measure,
        {"incomplete": "omit"} leaves out rows that cannot be an effect (rows that report nothing
        of it are always left out; a note lists them), "sheet" names the sheet of a workbook,
        "scale" is ratio or log, "error" is that of a ratio or of its log, "level" the level of the
        intervals, {"alike": "join"} joins studies whose labels differ by typography alone, "arm"
        and "reference" name the column of groups and the label of the control.
    keep : returns the rows of interest; only their problems are raised.
    """
    return read_file(path, measure=measure, columns=columns, keep=keep).frame


def read_file(
    path: str | Path,
    *,
    measure: str | None = None,
    columns: Mapping[str, str] | None = None,
    keep: Keep | None = None,
    propose: bool = False,
) -> Reading:
    """Return the effect table of a file with how the file was understood, see `read_table`.

    `propose` takes the likeliest reading, with a message, where several are possible.
    """
    given = str(path)
    path = Path(path)
    asked = dict(columns or {})
    measure = measure or asked.get("measure") or None
    if measure is not None:
        check_known("measure", measure, MEASURES)
        asked["measure"] = measure
    notes: tuple[str, ...] = ()
    try:
        content = read_bytes(path)
        text = read_text(path, content, sheet=asked.get("sheet") or None)
        notes = text.messages
        reading = build_effects(replace(text, asked=asked, file=given, propose=propose), keep=keep)
    except BadInput as error:
        raise BadInput("\n".join([f"{path}: {error}", *notes])) from error.__cause__
    source = {"name": path.name, "sha256": sha256(content).hexdigest(), "found_in": "file"}
    title = f"effects from {path.name}"
    attrs = {"dataset": path.stem, "synthetic": False, "title": title, "sources": [source]}
    reading.frame.attrs |= attrs | {"notes": list(reading.messages)}
    return reading


def clean_cells(reading: Reading) -> Reading:
    """Return the reading with its cells understood: missing values, marks, decimal commas."""
    return _through(reading, CELLS)


def build_effects(reading: Reading, *, keep: Keep | None = None) -> Reading:
    """Return the reading with its effect table; raise BadInput with a line for every problem.

    `keep` returns the rows of interest of a table in which rows that cannot be an effect have nan
    for yi and vi; the problems of other rows are not raised.
    """
    shaped = _through(reading, (*CELLS, *SHAPE))
    if keep is not None:
        loose = unchecked_frame(_through(shaped, (*EFFECTS, *LABELLED)))
        kept = keep(loose)["row"].to_numpy()
        shaped = replace(shaped, text=shaped.text.iloc[kept])
    return _through(shaped, (*EFFECTS, drop_rows, *LABELLED, assemble))


def _through(reading: Reading, stages: Iterable[Stage]) -> Reading:
    for stage in stages:
        reading = stage(reading)
    return reading
