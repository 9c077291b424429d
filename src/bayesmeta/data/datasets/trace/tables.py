"""Tables of the project under `data/`: codebooks, repairs and choices, with reasons."""

import csv
import re
from fractions import Fraction
from functools import cache

import pandas as pd

from bayesmeta.infrastructure.files import root

Row = dict[str, str]
Rule = tuple[re.Pattern[str], str]


def records(name: str, variant: str | None = None) -> list[Row]:
    """Return the rows of a table of `data/`; with `variant`, those that apply to it."""
    rows = _cached(name)
    if variant is None:
        return list(rows)
    return [row for row in rows if {variant, "all"} & set(row["variants"].split())]


def table(name: str) -> pd.DataFrame:
    """Return a table of `data/`, every cell as text."""
    return pd.DataFrame(records(name), dtype="str")


def recode(moderator: str, text: pd.Series, species: pd.Series) -> pd.Series:
    r"""Return classes of free text, by the ordered patterns of `data/trace/patterns.csv`.

    The first pattern that occurs in the text decides; a value may quote the matching part
    (`\g<0>`). The class is missing if no pattern occurs or the value is blank. For patterns,
    missing text is the empty string.
    """
    rows = [row for row in records("trace/patterns") if row["moderator"] == moderator]
    return _by_rules(rows, "value", text, species).astype("str")


def factors(quantity: str, text: pd.Series, species: pd.Series) -> pd.Series:
    """Return the factor from a number in the text to our unit, by `data/trace/units.csv`."""
    rows = [row for row in records("trace/units") if row["quantity"] == quantity]
    return _by_rules(rows, "factor", text, species).map(Fraction).astype(float)


@cache
def _cached(name: str) -> tuple[Row, ...]:
    with (root() / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def _by_rules(rows: list[Row], value: str, text: pd.Series, species: pd.Series) -> pd.Series:
    """Return the value of the first pattern for a kind of subject that occurs in its text."""
    rules = dict[str, list[Rule]]()
    for kind in ("human", "animal"):
        applicable = [row for row in rows if row["applies_to"] in (kind, "all")]
        rules[kind] = [(re.compile(row["pattern"]), row[value]) for row in applicable]
    kinds = species.eq("human").map({True: "human", False: "animal"})
    pairs = list(zip(text.fillna(""), kinds, strict=True))
    classes = {(words, kind): _first_class(rules[kind], words) for words, kind in set(pairs)}
    return pd.Series([classes[pair] for pair in pairs], index=text.index, dtype="object")


def _first_class(rules: list[Rule], text: str) -> str | None:
    for pattern, value in rules:
        if match := pattern.search(text):
            return match.expand(value) or None
    return None
