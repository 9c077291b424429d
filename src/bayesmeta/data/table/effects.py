"""The third stage: yi and vi of every row, from the first set of its cells that is complete."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayesmeta.data.effect_sizes import MEASURES, Measure
from bayesmeta.data.table.computed import computed_effects
from bayesmeta.data.table.given import given_effects
from bayesmeta.data.table.names import EFFECT, INTERVAL, RAW, complete_measure, gives_effect, listed
from bayesmeta.data.table.reading import Reading
from bayesmeta.infrastructure.choices import nearest
from bayesmeta.infrastructure.errors import BadInput

SIZES = ("n1i", "n2i", "ni")


def fill_effects(reading: Reading) -> Reading:
    """Return the reading with `effects` (see `Effects.table`) and `measure`.

    Effects are as given (yi with vi or sei), or computed from raw columns. In a table with yi, rows
    without it are computed only if the user names a measure. A row that reports nothing of its
    effect, or nothing but sizes of groups, may be left out; a row that lacks a part is a problem
    unless the user asks to omit such rows. Raise BadInput if the columns complete no form.
    """
    named = reading.named
    omit = reading.asked.get("incomplete", "")
    if omit not in ("", "omit"):
        raise BadInput(f"columns give incomplete={omit!r}; it should be 'omit', or not be given")
    measure = _measure(reading)
    computed = _rows_to_compute(named, measure)
    droppable = _unreported(named) | bool(omit)
    parts = []
    if not computed.all():
        parts.append(given_effects(named[~computed], droppable[~computed]))
    if measure and computed.any():
        part = named[computed]
        parts.append(computed_effects(part, measure, droppable[computed], drop00=drop00(reading)))
    # given rows stand before computed ones: back to the order of the table
    order = np.argsort(np.argsort(computed, kind="stable"))
    messages = [line for part in parts for line in part.messages]
    problems = [line for part in parts for line in part.problems]
    table = pd.concat([part.table for part in parts]).iloc[order]
    name = measure.name if measure and computed.any() else None
    return reading.updated(messages=messages, problems=problems, effects=table, measure=name)


def _measure(reading: Reading) -> Measure | None:
    names = [str(name) for name in reading.named.columns]
    given = gives_effect(names)
    asked = reading.asked_measure
    by_raw_numbers = not {"yi", "vi"} & {*names} or (given and asked)
    measure = complete_measure(names, asked) if by_raw_numbers else None
    if "study" not in names or not (given or measure):
        raise BadInput(_lacking(list(reading.text.columns), names, asked))
    return measure


def drop00(reading: Reading) -> bool:
    """Return whether rows without any event are left out; raise BadInput for another word."""
    asked = reading.asked.get("drop00", "no")
    if asked not in ("yes", "no"):
        raise BadInput(f"columns give drop00={asked!r}; it should be 'yes' or 'no'")
    return asked == "yes"


def _rows_to_compute(named: pd.DataFrame, measure: Measure | None) -> np.ndarray:
    if not gives_effect(list(named.columns)):
        return np.ones(len(named), bool)
    blank = (named[[name for name in EFFECT if name in named]] == "").all(axis=1).to_numpy()
    return blank & (measure is not None)


def _unreported(named: pd.DataFrame) -> np.ndarray:
    """Return True for rows that report nothing of an effect but sizes of groups."""
    cells = [name for name in (*EFFECT, *INTERVAL, *RAW) if name in named and name not in SIZES]
    return (named[cells] == "").all(axis=1).to_numpy()


def _lacking(columns: Sequence[str], names: Sequence[str], asked: str | None) -> str:
    measure = MEASURES[asked or "SMD"]
    forms = " or ".join(", ".join(form) for form in measure.forms)
    near = "" if "study" in names else nearest("study", columns)
    return (
        f"its columns are {listed(columns)}; it needs study, and yi with vi or sei (or "
        f"ci_lb and ci_ub) or, in place of all (for {measure.name}), {forms}{near}; other names "
        'are given by --columns "study=..., yi=..., sei=..."'
    )
