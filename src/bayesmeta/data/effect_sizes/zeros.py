"""Empty cells of tables of counts: metafor's rule add = 1/2, to = "only0", and what it changed."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bayesmeta.data.effect_sizes.measure import Floats, Rows, places

HALF = 0.5
Flags = NDArray[np.bool_]
Columns = Mapping[str, Floats]


def filled(*counts: Floats) -> Floats:
    """Return the cells (cells, ...), 1/2 added to tables with an empty cell.

    A table is nan if one of its cells is below 0.
    """
    cells = np.stack(np.broadcast_arrays(*counts))
    return np.where((cells < 0).any(0), np.nan, cells + HALF * (cells == 0).any(0))


def cells_of(columns: Columns) -> tuple[Floats, ...]:
    """Return the cells of a table from the columns of its form: events, then the others."""
    have = set(columns)
    if {"ai", "bi", "ci", "di"} <= have:
        return tuple(columns[name] for name in ("ai", "ci", "bi", "di"))
    if {"ai", "n1i", "ci", "n2i"} <= have:
        events = (columns["ai"], columns["ci"])
        return (*events, columns["n1i"] - events[0], columns["n2i"] - events[1])
    if {"x1i", "x2i"} <= have:
        return columns["x1i"], columns["x2i"]
    if {"xi", "ni"} <= have:
        return columns["xi"], columns["ni"] - columns["xi"]
    return tuple(columns[name] for name in ("xi", "mi") if name in have)


def has_empty_cell(columns: Columns) -> Flags:
    """Return whether a table has an empty cell, (k,)."""
    return np.any(np.stack(np.broadcast_arrays(*cells_of(columns))) == 0, axis=0)


def without_events(columns: Columns) -> Flags:
    """Return whether no group has an event, or every member of both groups has one, (k,).

    Source: metafor's `drop00`.
    """
    cells = [np.asarray(cell) == 0 for cell in cells_of(columns)]
    if {"xi"} & set(columns):
        return np.zeros_like(cells[0])
    empty = cells[0] & cells[1]
    return empty | (cells[2] & cells[3]) if len(cells) > 2 else empty


def notes(columns: Columns, rows: Rows) -> list[str]:
    """Return what was added to which rows, and the rows without any event, a line each."""
    lines = []
    if (touched := has_empty_cell(columns)).any():
        what = "every cell" if len(cells_of(columns)) > 1 else "the count"
        where = places(touched, rows)
        lines.append(f"1/2 is added to {what} {where}, because a cell there is 0 (metafor's rule)")
    if (nothing := without_events(columns)).any():
        reason = "no group, or everybody in both groups, has an event"
        remedy = (
            'such a row has little information on a ratio; --columns "drop00=yes" leaves it out'
        )
        lines.append(f"{reason} {places(nothing, rows)}: {remedy}")
    return lines
