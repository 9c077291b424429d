"""The project's own tables under `data/`: codebooks, repairs and choices, each row with its reason."""

import csv
import re
from fractions import Fraction
from functools import cache

import pandas as pd

from bayesmeta.infrastructure.files import root

Rule = tuple[re.Pattern[str], str]


@cache
def _cached(name: str) -> tuple[dict[str, str], ...]:
    with (root() / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def records(name: str, variant: str | None = None) -> list[dict[str, str]]:
    """Rows of a table of `data/`; with `variant`, those that apply to it."""
    rows = _cached(name)
    return [
        row for row in rows if variant is None or {variant, "all"} & set(row["variants"].split())
    ]


def table(name: str) -> pd.DataFrame:
    """A table of `data/`, all of it as text."""
    return pd.DataFrame(records(name), dtype="str")


def recode(moderator: str, text: pd.Series, species: pd.Series) -> pd.Series:
    """Free text to classes, by the ordered patterns of `data/trace/patterns.csv`.

    The first pattern found in the text decides; a value may quote what was found (`\\g<0>`). Missing where no
    pattern is found or the value is blank. To a pattern, missing text is the empty string.
    """
    rows = [row for row in records("trace/patterns") if row["moderator"] == moderator]
    rules = {kind: _rules(rows, kind, "value") for kind in ("human", "animal")}
    pairs = list(zip(text.fillna(""), _kinds(species), strict=True))
    known = {(words, kind): _expanded(rules[kind], words) for words, kind in set(pairs)}
    return pd.Series([known[pair] for pair in pairs], index=text.index, dtype="str")


def factors(quantity: str, text: pd.Series, species: pd.Series) -> pd.Series:
    """What a number in the text is multiplied by to be in our unit, by `data/trace/units.csv`."""
    rows = [row for row in records("trace/units") if row["quantity"] == quantity]
    rules = {kind: _rules(rows, kind, "factor") for kind in ("human", "animal")}
    pairs = zip(text.fillna(""), _kinds(species), strict=True)
    found = [
        next(factor for rule, factor in rules[kind] if rule.search(words)) for words, kind in pairs
    ]
    return pd.Series([float(Fraction(factor)) for factor in found], index=text.index)


def _kinds(species: pd.Series) -> list[str]:
    return ["human" if name == "human" else "animal" for name in species]


def _rules(rows: list[dict[str, str]], kind: str, value: str) -> list[Rule]:
    return [
        (re.compile(row["pattern"]), row[value])
        for row in rows
        if row["applies_to"] in (kind, "all")
    ]


def _expanded(rules: list[Rule], text: str) -> str | None:
    for pattern, value in rules:
        if match := pattern.search(text):
            return match.expand(value) or None
    return None
