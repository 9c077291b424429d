"""The third stage: yi and vi of every row, from the first set of its cells that is complete."""

import numpy as np
import pandas as pd

from bayesmeta.data.effect_sizes import Measure
from bayesmeta.data.table.arms_in_names import occasions_of
from bayesmeta.data.table.computed import computed_effects
from bayesmeta.data.table.given import given_effects
from bayesmeta.data.table.lacking import lacking
from bayesmeta.data.table.names import EFFECT, INTERVAL, RAW, complete_measure, gives_effect
from bayesmeta.data.table.reading import Reading, impossible_rows
from bayesmeta.data.table.reproduced import reproduced_measure
from bayesmeta.data.table.requests import command
from bayesmeta.infrastructure.errors import BadInput

SIZES = ("n1i", "n2i", "ni")


def fill_effects(reading: Reading) -> Reading:
    """Return the reading with `effects` (see `Effects.table`) and `measure`.

    Effects are as given (yi with vi or sei), or computed from raw columns. In a table with yi, rows
    without it are computed only if the user names a measure. A row that reports nothing of its
    effect, or nothing but sizes of groups, may be left out; a row that lacks a part is a problem
    unless the user asks to omit such rows, which leaves out every row that cannot be an effect.
    Raise BadInput if the columns complete no form.
    """
    named = reading.named
    omit = reading.asked.get("incomplete", "")
    if omit not in ("", "omit"):
        raise BadInput(f"columns give incomplete={omit!r}; it should be 'omit', or not be given")
    measure, reproduces = _measure(reading)
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
    messages = [*reproduces, *(line for part in parts for line in part.messages)]
    problems = [line for part in parts for line in part.problems]
    table = pd.concat([part.table for part in parts]).iloc[order]
    if omit:
        nameless = (named["study"] == "").to_numpy()
        table = table.assign(left_out=table["left_out"] | impossible_rows(table) | nameless)
    name = measure.name if measure and computed.any() else None
    filled = reading.updated(messages=messages, effects=table, measure=name)
    return filled.with_rows_problems(problems)


def _measure(reading: Reading) -> tuple[Measure | None, list[str]]:
    """Return the measure to compute, and a message if it is chosen because it gives estimates."""
    names = [str(name) for name in reading.named.columns]
    given = gives_effect(names)
    asked = reading.asked_measure
    by_raw_numbers = not {"yi", "vi"} & {*names} or (given and asked)
    measure = complete_measure(names, asked) if by_raw_numbers else None
    if "study" not in names or not (given or measure):
        raise BadInput(lacking(reading))
    if measure and measure.name == "ZCOR" and not asked:
        _check_correlation(reading)
    if measure is None or asked:
        return measure, []
    columns = {name: reading.taken[name] for name in RAW if name in reading.taken}
    fitting = reproduced_measure(reading.text, columns)
    if fitting is None:
        return measure, []
    return fitting[0], [f"{fitting[0].name} is computed, because it gives the file's {fitting[1]}"]


def _check_correlation(reading: Reading) -> None:
    """Raise BadInput if r may be the correlation of two occasions, and not the effect."""
    names = [str(name) for name in reading.text.columns]
    occasions = [column for part in occasions_of(names).values() for column in part.values()]
    means = occasions or [name for name in ("m1i", "m2i") if name in names]
    if means:
        r = reading.taken.get("ri", "ri")
        problem = f"{r} stands beside {', '.join(means)}: it may correlate the two occasions"
        needed = "a change needs means and SDs of both (m1i, sd1i, m2i, sd2i) with ri and ni"
        correlation = command(reading, {"measure": "ZCOR"})
        raise BadInput(f"{problem}, and {needed}; if {r} is the effect itself: {correlation}")


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
