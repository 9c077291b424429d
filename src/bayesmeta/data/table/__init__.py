"""A user's own file to an effect table: CSV, TSV, XLSX or Parquet, a row per effect."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from bayesmeta.data.effect_sizes import MEASURES, places
from bayesmeta.data.schema import KEYS, LABELS, effect_problems, nearest, refuse
from bayesmeta.data.table.filling import Filled, fill_effects
from bayesmeta.data.table.forms import complete_form
from bayesmeta.data.table.intervals import with_sei
from bayesmeta.data.table.levels import label_levels
from bayesmeta.data.table.limits import LABEL_LENGTH, TEXT_LENGTH, TEXT_TOTAL
from bayesmeta.data.table.mapping import name_columns, omits, parse_columns
from bayesmeta.data.table.names import SETTINGS
from bayesmeta.data.table.numerals import floats, is_number
from bayesmeta.data.table.reading import KINDS, read_bytes, read_text
from bayesmeta.infrastructure.errors import BadInput

__all__ = ["KINDS", "Reading", "parse_columns", "read_file", "read_table", "understood"]


class Reading(NamedTuple):
    """An effect table, and how the file was understood.

    Attributes
    ----------
    frame : as `read_table` gives it.
    text : the file's own columns, every cell as text.
    taken : the package's name of a column to the file's ("district/school" where two are joined).
    aside : the file's name of a column that had to make way to the name it has in the frame.
    measure : name of the effect size that was computed; None where yi was given.
    settings : of `asked`, those that are no columns and hold of the file: incomplete, sheet.
    """

    frame: pd.DataFrame
    text: pd.DataFrame
    taken: dict[str, str]
    aside: dict[str, str]
    measure: str | None
    settings: dict[str, str]


def read_table(
    path: str | Path, *, measure: str | None = None, columns: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """A row per effect: study, group, effect, yi, vi, every other column of the file, and `sheet_row`.

    Parameters
    ----------
    path : a .csv or .tsv (UTF-8, UTF-16 or Windows-1252), .xlsx (its first sheet) or .parquet file, whose first
        filled row is the header. It has `study`, and either yi with vi, with sei (vi = sei^2) or with ci_lb and ci_ub
        (95 %), or the columns of a measure under metafor's names (m1i, sd1i, n1i, m2i, sd2i, n2i). Names that people
        use in their place (author, g, se) are understood where only one column can be meant. Without `group` every
        effect is its own group; without `effect` it is "study:1", "study:2", ...
    measure : the effect size to compute where there is no yi; a name in `MEASURES`; default the first that the
        columns complete. Each row uses the first form that it completes (means and SDs, t, F, p; SDs also from
        standard errors, means and SDs from quartiles).
    columns : the package's name to the file's, {"study": "district", "yi": "es"}; "district/school" joins two
        labels, "" sets a column of that name aside, "measure" names the measure, {"incomplete": "omit"} leaves out
        rows whose effect lacks a part (those that report nothing of it are left out anyway; a note names them), "sheet"
        names that of an .xlsx.

    Returns
    -------
    DataFrame : study, group, effect are text (an Excel 12 is "12"). Other columns are floats where every
        filled cell is a number, else categories in alphabetical order, so that the order of the rows does not
        matter. Blank, NA, N/A, NaN are missing. `attrs`: dataset, synthetic, title, scale, sources, notes.

    Raises
    ------
    BadInput
        The file is missing, unreadable, empty, too large or ambiguous, or its columns or values cannot be used: every
        problem on a line of its own; rows are numbered as in a spreadsheet.
    """
    return read_file(path, measure=measure, columns=columns).frame


def read_file(path: str | Path, *, measure: str | None = None, columns: Mapping[str, str] | None = None) -> Reading:
    """`read_table`, with how the file was understood."""
    path, asked = Path(path), dict(columns or {})
    measure = measure or asked.get("measure") or None
    if measure is not None and measure not in MEASURES:
        known = ", ".join(MEASURES)
        raise BadInput(f"unknown measure {measure!r}{nearest(measure, MEASURES)}; known: {known}")
    try:
        return _reading(path, asked | ({"measure": measure} if measure else {}))
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error.__cause__


def _reading(path: Path, asked: dict[str, str]) -> Reading:
    content, notes = read_bytes(path), list[str]()
    reading = understood(read_text(path, content, notes, asked.get("sheet") or None), asked, notes)
    reading.frame.attrs |= {
        "dataset": path.stem,
        "synthetic": False,
        "title": f"effects from {path.name}",
        "sources": [{"name": path.name, "sha256": sha256(content).hexdigest(), "found_in": "file"}],
        "notes": notes,
    }
    return reading


def understood(
    own: pd.DataFrame, asked: Mapping[str, str], notes: list[str], *, orders: Mapping[str, Sequence[str]] | None = None
) -> Reading:
    """An effect table of columns of text.

    Parameters
    ----------
    own : columns by their owner's names, every cell as text; its index is the rows that errors name.
    asked : as `columns` of `read_table`, and "measure".
    notes : what a reader should know is added.
    orders : the order of levels of columns that have one of their own.

    Raises
    ------
    BadInput
        Every problem on a line of its own.
    """
    problems = list[str]()
    text, taken, aside, measure = name_columns(own, dict(asked), notes)
    text = with_sei(text, notes, problems)
    filled = fill_effects(text, measure, list(own.columns), notes, problems, omit=omits(asked))
    lacking = bool((filled.incomplete & ~filled.left_out).any())
    text, filled = _without_blank(text, filled, notes)
    _check_labels(text, problems)
    labels = label_levels(text, taken, notes, problems)
    known = orders or {}
    others: dict[str, Any] = {
        name: _moderator(text[name], known.get(name)) for name in map(str, text.columns) if name not in KEYS
    }
    others = {name: column for name, column in others.items() if _fits(column, notes)} | filled.converted
    keys: dict[str, Any] = {name: labels[name] for name in LABELS} | {"yi": filled.yi, "vi": filled.vi}
    frame = pd.DataFrame(keys | others | {"sheet_row": text.index}).reset_index(drop=True)
    ways = _ways_out(text, measure) if lacking else []
    refuse([*problems, *effect_problems(frame, told=filled.told), *ways])
    frame.attrs = {"scale": filled.measure.title if filled.measure else "effect size yi"}
    settings = {name: asked[name] for name in SETTINGS if name != "measure" and asked.get(name)}
    return Reading(frame, own, taken, aside, filled.measure.name if filled.measure else None, settings)


def _ways_out(text: pd.DataFrame, measure: str | None) -> list[str]:
    """What to do about rows in which blank cells leave no effect."""
    ways = ['--columns "incomplete=omit" leaves out the rows without an effect, and a note then names them']
    form = complete_form(list(text.columns), measure)
    if measure is None and form and "yi" in text:
        one = next(name for name, known in MEASURES.items() if form in known.forms)
        ways.append(f'--columns "measure={one}" computes those without yi from {", ".join(form)}')
    return ways


def _without_blank(text: pd.DataFrame, filled: Filled, notes: list[str]) -> tuple[pd.DataFrame, Filled]:
    """The rows that are not left out; a note names the others."""
    out = filled.left_out
    if not out.any():
        return text, filled
    where = places(out, list(text.index))
    if out.all():
        raise BadInput(f"none of its {len(out)} rows has an effect: the cells it is made of are blank, or some of them")
    notes.append(f"{out.sum()} of {len(out)} rows are left out, for cells of their effect are blank: {where}")
    return text[~out], filled.without(out)


def _check_labels(text: pd.DataFrame, problems: list[str]) -> None:
    for name in (name for name in LABELS if name in text):
        long = (text[name].str.len() > LABEL_LENGTH).to_numpy()
        if long.any():
            where = places(long, list(text.index), text[name])
            problems.append(f"{name} must be a label of at most {LABEL_LENGTH} characters, got {where}")


def _moderator(column: pd.Series, order: Sequence[str] | None) -> pd.Series:
    """Numbers where every filled cell is one and there is no order, else categories: in theirs or by the alphabet."""
    filled = column[column != ""]
    if order is None and is_number(filled).all():
        return floats(column)
    return column.where(column != "", None).astype(pd.CategoricalDtype(list(order or sorted(filled.unique()))))


def _fits(column: pd.Series, notes: list[str]) -> bool:
    """Whether a column can be carried along; free text is not a moderator, and results would repeat it."""
    if column.dtype != "category":
        return True
    longest = max(map(len, column.cat.categories), default=0)
    fits = longest <= TEXT_LENGTH and longest * len(column) <= TEXT_TOTAL
    if not fits:
        notes.append(f"{column.name} is left out, for its texts are long (up to {longest:,} characters)")
    return fits
