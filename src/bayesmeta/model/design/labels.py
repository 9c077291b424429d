"""Readable names of the columns of a formulaic matrix, and the level of every factor in them.

Levels are taken from the state of the coding, never cut from the text of a column: a name or a
level may hold any sign.
"""

import re
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

INTERCEPT = "intercept"


def level_coordinate(factor: object) -> str:
    """Return the name of the coordinate, over `term`, that holds the levels of a factor.

    It has no spaces: a file cannot mark a coordinate whose name has some.
    """
    return f"term_{factor}".replace(" ", "_")


class Piece(NamedTuple):
    """What a factor gives to the name of a column."""

    factor: str  # the column of the table, "" for a number or an expression such as C(dose)
    level: str
    pattern: str  # of its part of the column's name
    label: str  # of a term; "" for that part as it is


def factor_levels(spec: Any) -> pd.DataFrame:
    """Return the level of every factor in each column of a formulaic ModelSpec (p, factors), or ''.

    Factors are columns of the table.
    """
    pieces = _pieces_by_column(spec)
    levels = [{piece.factor: piece.level for piece in of if piece.factor} for of, _ in pieces]
    return pd.DataFrame(levels, range(len(levels))).fillna("").astype(str)


def term_labels(spec: Any, kept: np.ndarray) -> list[str]:
    """Return labels of the kept columns: `fear:memory` in place of `valence[fear]:phase[memory]`.

    A treatment contrast keeps its factor, `valence[fear]`, and so do all columns where the short
    labels are not unique.
    """
    short = []
    for pieces, texts in _pieces_by_column(spec):
        parts = [piece.label or text for piece, text in zip(pieces, texts, strict=True)]
        short.append(":".join(parts) or INTERCEPT)
    for labels in (short, list(map(str, spec.column_names))):
        chosen = [str(label) for label in np.array(labels, object)[kept]]
        if len(set(chosen)) == len(chosen):
            return chosen
    return [f"{label} {place}" for place, label in enumerate(chosen, start=1)]


def _pieces_by_column(spec: Any) -> list[tuple[tuple[Piece, ...], tuple[str, ...]]]:
    """Return the pieces of every column, and their parts of its name; both empty for 1."""
    matches: list[tuple[tuple[Piece, ...], tuple[str, ...]]] = []
    for part in spec.structure:
        choices: list[tuple[Piece, ...]] = []
        for scoped in part.scoped_terms:
            choices += product(*(_pieces(spec, factor) for factor in scoped.factors))
        by_name = {":".join(piece.pattern for piece in pieces): pieces for pieces in choices}
        for column in part.columns:
            matches.append(_match(str(column), by_name))
    return matches


def _match(
    column: str, by_pattern: dict[str, tuple[Piece, ...]]
) -> tuple[tuple[Piece, ...], tuple[str, ...]]:
    for pattern, pieces in by_pattern.items():
        if pieces and (match := re.fullmatch(pattern, column, re.DOTALL)):
            return pieces, match.groups()
    return ((), ()) if () in by_pattern.values() else ((Piece("", "", "", ""),), (column,))


def _pieces(spec: Any, scoped: Any) -> list[Piece]:
    """Return the pieces that a factor gives to the columns of a term: one per level or number."""
    factor = scoped.factor.factor
    name = str(factor.expr)
    kind, state = spec.encoder_state[name]
    if factor.eval_method.value != "lookup" or kind.value != "categorical":
        return [Piece("", "", rf"({re.escape(name)}(?:\[.*\])?)", "")]
    form = "[T.{}]" if scoped.reduced else "[{}]"
    levels = list(map(str, state["categories"]))
    patterns = [f"({re.escape(name + form.format(level))})" for level in levels]
    labels = [f"{name}[{level}]" if scoped.reduced else level for level in levels]
    pieces = zip(levels, patterns, labels, strict=True)
    return [Piece(name, level, pattern, label) for level, pattern, label in pieces]
