"""Cells that hold several numbers: "0.42 [0.10, 0.74]", "12.1 (3.4)", "12/60"."""

import re
from collections.abc import Callable

import pandas as pd

from bayesmeta.data.table.marks import SHARE, label_columns
from bayesmeta.data.table.reading import Reading
from bayesmeta.data.table.words import (
    STATISTIC_OF,
    end_of_interval,
    kind_of_group,
    percent_in,
    tokens_of,
)

N = r"[+\-\N{MINUS SIGN}]?(?:\d+(?:[.,]\d+)?|[.,]\d+)"
JOIN = r"\s*(?:,|;|to|bis|\N{EN DASH}|\N{EM DASH}|-)\s*"
PERCENT = r"(\d\d(?:\.\d)?)"
LEVEL = r"(?:\d\d(?:\.\d)?\s*%?\s*C[rI]?I\s*[:=,]?\s*)?"
ESTIMATE = re.compile(rf"({N})\s*[,;]?\s*[(\[]\s*{LEVEL}({N}){JOIN}({N})\s*[)\]]\s*[*†‡§]*", re.I)
BRACKETED = re.compile(rf"[(\[]\s*({N}){JOIN}({N})\s*[)\]]", re.I)
BARE = re.compile(rf"({N})(?:,\s+|{JOIN.replace(',|', '')})({N})", re.I)  # 0,55 is a decimal
PAIR = re.compile(rf"({N})\s*(?:\(|\[|±|\+/-|\+-)\s*({N})\s*[)\]]?")
COUNTS = re.compile(r"(\d+)\s*(?:/|of|out of)\s*(\d+)")
BRACKETS = re.compile(r"\s*[,;]?\s*([(\[][^)\]]*[)\]]|\d\d\s*%\s*CI|\bCI\b)\s*", re.I)
SEVERAL = re.compile(r"\d\s*[^\d\s.eE+]+\s*[+-]?[\d.]")  # a number after another
Name = Callable[[str], tuple[str, ...] | None]


def split_cells(reading: Reading) -> Reading:
    """Return the reading with a column per number where cells hold an interval or a pair.

    "0.42 [0.10, 0.74]" is an estimate with its interval, "12.1 (3.4)" a mean with its SD or SE if
    the name of the column says which, "12/60" are events of a total. A message names the columns.
    """
    labels = label_columns(reading)
    columns: dict[str, pd.Series] = {}
    messages = []
    for name in map(str, reading.text.columns):
        column = reading.text[name]
        several = name not in labels and column.str.contains(SEVERAL).any()
        parts = _parts(column, kept=name in reading.asked.values()) if several else None
        if parts is None:
            columns[name] = column
            continue
        used = {*columns, *map(str, reading.text.columns)} - {name}
        new = {_unused(part, name, used): cells for part, cells in parts.items()}
        columns |= new
        messages.append(f"cells of {name} are split into {', '.join(new)}")
    if not messages:
        return reading
    text = pd.DataFrame(columns, index=reading.text.index)
    return reading.updated(text=text, messages=messages)


def _parts(column: pd.Series, *, kept: bool) -> dict[str, pd.Series] | None:
    name = str(column.name)
    for pattern, names_of in PATTERNS:
        names = names_of(name)
        if names is None:
            continue
        pieces = column.str.extract(rf"^{pattern.pattern}$", flags=pattern.flags).fillna("")
        fits = (pieces[0] != "").to_numpy()
        if not fits.any() or fits.sum() < SHARE * (column != "").sum():
            continue
        if pattern is COUNTS and _exceeds(pieces[fits]):
            continue
        first = pieces[0].where(fits, column)  # other cells stay, so that a message can name them
        levels = _levels(column) if pattern is ESTIMATE else {}
        names = (names[0], "lower CI", "upper CI") if levels else names
        titles = (name, *names[1:]) if kept else names
        numbers = [first, *(pieces[number] for number in pieces.columns[1:])]
        return dict(zip(titles, numbers, strict=True)) | levels
    return None


def _levels(column: pd.Series) -> dict[str, pd.Series]:
    """Return a column of the levels that cells name, else of that in the header; or nothing."""
    levels = column.str.extract(rf"{PERCENT}\s*%")[0].fillna("")
    if (levels == "").all():
        return {}
    usual = percent_in(str(column.name))
    return {"CI level": levels.mask(levels == "", f"{usual:g}" if usual else "")}


def _exceeds(counts: pd.DataFrame) -> bool:
    """Return whether any first number is above the second, as in dates and ratios."""
    return bool((counts[0].astype(float) > counts[1].astype(float)).any())


def _estimate_names(name: str) -> tuple[str, ...]:
    base = BRACKETS.sub(" ", name).strip() or "estimate"
    return (base, *_limits(name))


def _interval_names(name: str) -> tuple[str, ...] | None:
    named = {*tokens_of(name)} & {"ci", "interval", "confidence"}
    return _limits(name) if named and end_of_interval(name) is None else None


def _limits(name: str) -> tuple[str, str]:
    level = percent_in(name)
    ci = f"{level:g} % CI" if level else "CI"
    return f"lower {ci}", f"upper {ci}"


def _pair_names(name: str) -> tuple[str, ...] | None:
    words = tokens_of(name)
    joined = "_".join(words).replace("standard_deviation", "sd").replace("standard_error", "se")
    words = joined.split("_")
    errors = [word for word in words if STATISTIC_OF.get(word) in ("sd", "sem")]
    if len(errors) != 1:
        return None
    (error,) = errors
    others = [word for word in words if word != error]
    has_mean = any(STATISTIC_OF.get(word) == "m" for word in others)
    group = " ".join(word for word in others if STATISTIC_OF.get(word) != "m")
    if STATISTIC_OF[error] == "sem" and not has_mean:
        return (group or "estimate", error)
    return (f"mean {group}".strip(), f"{error} {group}".strip())


def _count_names(name: str) -> tuple[str, ...] | None:
    words = [word for word in tokens_of(name) if word not in STATISTIC_OF and word != "with"]
    group = " ".join(words)
    named = "/" in name or kind_of_group(group) or len(words) < len(tokens_of(name))
    return (f"events {group}".strip(), f"total {group}".strip()) if named else None


def _unused(part: str, name: str, used: set[str]) -> str:
    return f"{part} of {name}" if part in used else part


PATTERNS: tuple[tuple[re.Pattern[str], Name], ...] = (
    (ESTIMATE, _estimate_names),
    (BRACKETED, _interval_names),
    (BARE, _interval_names),
    (PAIR, _pair_names),
    (COUNTS, _count_names),
)
