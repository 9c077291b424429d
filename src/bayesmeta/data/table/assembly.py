"""The fourth and the last stage: rows without an effect are left out; the effect table is made."""

import pandas as pd

from bayesmeta.data.effect_sizes import MEASURES, places
from bayesmeta.data.schema import LABELS, effect_problems, refuse
from bayesmeta.data.table.names import complete_form, complete_measure
from bayesmeta.data.table.reading import FLAGS, Reading, impossible_rows
from bayesmeta.data.table.requests import command
from bayesmeta.infrastructure.errors import BadInput

OMIT = {"incomplete": "omit"}
NONE = "none of its {} rows has an effect: {}"
UNUSABLE = "their effect is blank or impossible, or has no event"


def drop_rows(reading: Reading) -> Reading:
    """Return the reading without rows left out; raise BadInput if no row has an effect."""
    left_out = reading.effects["left_out"].to_numpy()
    rows = len(left_out)
    if not left_out.any():
        return reading
    if left_out.all():
        cells = "all or some of the cells that an effect needs are blank"
        raise BadInput(NONE.format(rows, cells))
    blank = reading.effects["incomplete"].to_numpy() & left_out
    cause = "cells of their effect are blank" if blank.sum() == left_out.sum() else UNUSABLE
    where = places(left_out, list(reading.named.index))
    message = f"{left_out.sum()} of {rows} rows are left out, because {cause}: {where}"
    named = reading.named[~left_out]
    return reading.updated(messages=[message], named=named, effects=reading.effects[~left_out])


def unchecked_frame(reading: Reading) -> pd.DataFrame:
    """Return the effect table as far as it goes: nan where no effect follows; row is a position."""
    frame = _joined(reading)
    return frame.assign(row=range(len(frame)))


def assemble(reading: Reading) -> Reading:
    """Return the reading with `frame`, the effect table; raise BadInput with a line per problem."""
    effects = reading.effects
    frame = _joined(reading)
    problems = effect_problems(frame, refused=effects["refused"].to_numpy())
    refuse([*reading.problems, *problems, *_ways_out(reading)])
    measure = reading.measure or reading.asked_measure
    title = MEASURES[measure].title if measure else reading.scale
    frame.attrs = {"scale": title or "effect size yi"}
    if measure or reading.ratio:
        frame.attrs["measure"] = measure or reading.ratio
    return reading.updated(frame=frame)


def _joined(reading: Reading) -> pd.DataFrame:
    effects = reading.effects
    converted = effects.drop(columns=["yi", "vi", *FLAGS]).to_dict("series")
    others = reading.moderators.assign(**{str(name): converted[name] for name in converted})
    parts = [reading.labels[list(LABELS)], effects[["yi", "vi"]], others]
    frame = pd.concat([part.reset_index(drop=True) for part in parts], axis=1)
    return frame.assign(sheet_row=reading.named.index)


def _ways_out(reading: Reading) -> list[str]:
    if not impossible_rows(reading.effects).any():
        return []
    omit = f"leave out the rows without an effect, which a note names: {command(reading, OMIT)}"
    names = [str(name) for name in reading.named.columns]
    measure = complete_measure(names, None)
    form = complete_form(names, None)
    if reading.asked_measure or measure is None or form is None or "yi" not in names:
        return [omit]
    by_form = command(reading, {"measure": measure.name})
    return [omit, f"compute those without yi from {', '.join(form)}: {by_form}"]
