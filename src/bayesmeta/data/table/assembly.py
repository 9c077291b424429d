"""The last stage: the effect table, once nothing in it is a problem."""

import pandas as pd

from bayesmeta.data.effect_sizes import MEASURES
from bayesmeta.data.schema import LABELS, effect_problems, refuse
from bayesmeta.data.table.forms import complete_form, complete_measure
from bayesmeta.data.table.reading import Reading
from bayesmeta.data.table.rows import FLAGS

OMIT = (
    '--columns "incomplete=omit" leaves out the rows without an effect, and a note then names them'
)


def assemble(reading: Reading) -> Reading:
    """Return the reading with `frame`, the effect table.

    Raises
    ------
    BadInput
        Every problem of the reading and of the table, on a separate line.
    """
    effects = reading.effects
    numbers = effects[["yi", "vi"]]
    converted = effects.drop(columns=["yi", "vi", *FLAGS]).to_dict("series")
    others = reading.moderators.assign(**{str(name): converted[name] for name in converted})
    parts = [reading.labels[list(LABELS)], numbers, others]
    frame = pd.concat([part.reset_index(drop=True) for part in parts], axis=1)
    frame = frame.assign(sheet_row=reading.named.index)
    refused = effects["refused"].to_numpy()
    refuse([*reading.problems, *effect_problems(frame, refused=refused), *_ways_out(reading)])
    measure = MEASURES[reading.measure].title if reading.measure else "effect size yi"
    frame.attrs = {"scale": measure}
    return reading.updated(frame=frame)


def _ways_out(reading: Reading) -> list[str]:
    """Return what the user can do about rows in which blank cells leave no effect."""
    if not reading.effects["incomplete"].any():
        return []
    names = [str(name) for name in reading.named.columns]
    measure = complete_measure(names, None)
    form = complete_form(names, None)
    if reading.asked_measure or measure is None or form is None or "yi" not in names:
        return [OMIT]
    by_form = f"computes those without yi from {', '.join(form)}"
    return [OMIT, f'--columns "measure={measure.name}" {by_form}']
