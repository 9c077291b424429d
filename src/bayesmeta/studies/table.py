"""A user's own file to an effect table: CSV, TSV, XLSX or Parquet, a row per effect."""

import csv
import io
import math
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pandas as pd
from numpy.typing import ArrayLike

from bayesmeta.effects import MEASURES, Measure, places
from bayesmeta.errors import BadInput
from bayesmeta.studies.schema import KEYS, check_effects, nearest

KINDS = (".csv", ".tsv", ".xlsx", ".parquet")
BLANK = frozenset({"", "NA", "N/A", "#N/A", "NaN", "nan"})
NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[Ii]nf)", re.ASCII)
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)


def read_table(path: str | Path, *, measure: str = "SMD") -> pd.DataFrame:
    """A row per effect: study, group, effect, yi, vi, every other column of the file, and `sheet_row`.

    Parameters
    ----------
    path : a .csv or .tsv (UTF-8), .xlsx (its first sheet) or .parquet file, whose first filled row is the
        header. It has `study`, and either yi with vi or sei (vi = sei^2), or the columns of `measure` under
        metafor's names (m1i, sd1i, n1i, m2i, sd2i, n2i). Without `group` every effect is its own group;
        without `effect` it is "study:1", "study:2", ...
    measure : the effect size to compute where the file has neither yi nor vi; a name in `MEASURES`.

    Returns
    -------
    DataFrame : study, group, effect are text (an Excel 12 is "12"). Other columns are floats where every
        filled cell is a number, else categories in alphabetical order, so that the order of the rows does not
        matter. Blank, NA, N/A, NaN are missing. `attrs`: dataset, synthetic, title, sources, notes.

    Raises
    ------
    BadInput
        The file is missing, unreadable, empty or ambiguous, or its columns or values cannot be used; rows
        are numbered as in a spreadsheet.
    """
    path = Path(path)
    if measure not in MEASURES:
        known = ", ".join(MEASURES)
        raise BadInput(f"unknown measure {measure!r}{nearest(measure, MEASURES)}; known: {known}")
    try:
        return _table(path, MEASURES[measure])
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error.__cause__


def _table(path: Path, measure: Measure) -> pd.DataFrame:
    content, notes = _read(path), list[str]()
    text = _by_name(_cells(path, content, notes), notes)
    yi, vi = _effects(text, measure, notes)
    numbered = text.groupby("study").cumcount().add(1).astype(str)
    effect = text.get("effect", text["study"] + ":" + numbered)
    keys = {"study": text["study"], "group": text.get("group", effect), "effect": effect, "yi": yi, "vi": vi}
    others = {name: _moderator(text[name]) for name in text.columns if name not in KEYS}
    frame = check_effects(pd.DataFrame(keys | others | {"sheet_row": text.index}).reset_index(drop=True))
    frame.attrs = {
        "dataset": path.stem,
        "synthetic": False,
        "title": f"effects from {path.name}",
        "scale": "effect size yi" if "yi" in text else measure.title,
        "sources": [{"name": path.name, "sha256": sha256(content).hexdigest(), "found_in": "file"}],
        "notes": notes,
    }
    return frame


def _read(path: Path) -> bytes:
    if path.suffix.lower() not in KINDS:
        raise BadInput(f"not a kind of table this reads; save it as one of {', '.join(KINDS)}")
    if not path.is_file():
        near = nearest(path.name, [p.name for p in path.parent.iterdir()]) if path.parent.is_dir() else ""
        raise BadInput(f"there is no such file{near}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"it cannot be opened ({error.strerror})") from error
    if not content.strip():
        raise BadInput("it is empty; it needs a row of column names and a row per effect")
    return content


def _cells(path: Path, content: bytes, notes: list[str]) -> list[list[str]]:
    reader = {".xlsx": _sheet, ".parquet": _parquet}.get(path.suffix.lower(), _delimited)
    try:
        rows = reader(content, notes)
    except BadInput:
        raise
    except Exception as error:  # whatever a parser makes of a damaged file
        kind = path.suffix[1:].upper()
        raise BadInput(f"it cannot be read as {kind} ({error}); is it complete, and of that kind?") from error
    return [[_text(cell) for cell in row] for row in rows]


def _delimited(content: bytes, notes: list[str]) -> list[list[object]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"it is not UTF-8 text (byte {error.start}); save it as 'CSV UTF-8'") from error
    if "\0" in text:
        raise BadInput("it holds NUL bytes, as no text table does; is it complete, and of that kind?")
    head = text.lstrip().partition("\n")[0]
    separator = "\t" if "\t" in head else max(",;", key=head.count)
    if separator == ";":
        raise BadInput("its columns are separated by ';'; save it with ',' or tabs, and numbers as 0.5")
    return [list(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)]


def _sheet(content: bytes, notes: list[str]) -> list[list[object]]:
    from python_calamine import load_workbook

    book = load_workbook(io.BytesIO(content))
    first, *left_out = book.sheet_names
    if left_out:
        notes.append(f"read from the first sheet, {first!r}; not read: {', '.join(map(repr, left_out))}")
    return [list(row) for row in book.get_sheet_by_index(0).to_python(skip_empty_area=False)]


def _parquet(content: bytes, notes: list[str]) -> list[list[object]]:
    frame = pd.read_parquet(io.BytesIO(content))
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    return [list(frame.columns), *frame.astype(object).to_numpy().tolist()]


def _text(cell: object) -> str:
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = str(cell).strip()
    return "" if text in BLANK else text


def _by_name(cells: list[list[str]], notes: list[str]) -> pd.DataFrame:
    rows = {number: row for number, row in enumerate(cells, start=1) if any(row)}
    header = rows.pop(next(iter(rows)), []) if rows else []
    if not rows:
        raise BadInput(f"it has no rows below its header ({', '.join(header) or 'no header'})")
    width = len(header)
    for number, row in rows.items():
        if len(row) < width or any(row[width:]):
            raise BadInput(f"row {number} has {len(row)} cells where the header has {width}")
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise BadInput(f"it has more than one column named {', '.join(twice)}; each needs its own name")
    if any(name == "" and any(row[i] for row in rows.values()) for i, name in enumerate(header)):
        notes.append("columns without a name are left out")
    columns = {name: [row[i] for row in rows.values()] for i, name in enumerate(header) if name}
    frame = pd.DataFrame(columns, index=list(rows), dtype=str)
    _refuse_commas(frame)
    return frame


def _refuse_commas(frame: pd.DataFrame) -> None:
    for name in frame.columns:
        filled = frame[name][frame[name] != ""]
        comma = filled.str.fullmatch(DECIMAL_COMMA)
        if comma.any() and (comma | filled.str.fullmatch(NUMBER)).all():
            where = places(comma, list(filled.index), filled)
            raise BadInput(f"{name} has numbers with a comma, {where}; write 0.5 for a half, 1000 for a thousand")


def _effects(text: pd.DataFrame, measure: Measure, notes: list[str]) -> tuple[pd.Series, pd.Series]:
    found, rows = list(text.columns), list(text.index)
    spread = "vi" if "vi" in found else "sei"
    form = None if {"yi", "vi"} & set(found) else measure.form(found)
    if "study" not in found or not (form or {"yi", spread} <= set(found)):
        forms = " or ".join(", ".join(form) for form in measure.forms)
        needs = f"it needs study, and yi with vi or sei or, in place of both (for {measure.name}), {forms}"
        near = "" if "study" in found else nearest("study", found)
        raise BadInput(f"its columns are {', '.join(found)}; {needs}{near}")
    numbers = _numbers(text, form or ("yi", spread))
    if form:
        notes.append(f"yi and vi are computed from {', '.join(form)}: {measure.name}, {measure.title}")
        columns: dict[str, ArrayLike] = {name: numbers[name] for name in form}
        yi, vi = measure(vtype="LS", rows=rows, **columns)
        return pd.Series(yi, text.index), pd.Series(vi, text.index)
    if spread == "vi":
        return numbers["yi"], numbers["vi"]
    bad = ~(numbers["sei"] > 0)
    if bad.any():
        raise BadInput(f"sei must be a number above 0, got {places(bad, rows, numbers['sei'])}")
    return numbers["yi"], numbers["sei"] ** 2


def _numbers(text: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    problems = []
    for name in names:
        bad = ~text[name].str.fullmatch(NUMBER) & (text[name] != "")
        if bad.any():
            problems.append(f"{name} must be a number, got {places(bad, list(text.index), text[name])}")
    if problems:
        raise BadInput("\n".join(problems))
    return pd.DataFrame({name: _floats(text[name]) for name in names})


def _floats(column: pd.Series) -> pd.Series:
    return column.map(lambda cell: float(cell) if cell else math.nan).astype(float)


def _moderator(column: pd.Series) -> pd.Series:
    filled = column[column != ""]
    if filled.str.fullmatch(NUMBER).all():
        return _floats(column)
    return column.where(column != "", None).astype(pd.CategoricalDtype(sorted(filled.unique())))
