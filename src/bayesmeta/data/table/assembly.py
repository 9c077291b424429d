"""The fourth and the last stage: rows without an effect are left out; the effect table is made."""

import pandas as pd

from bayesmeta.data.effect_sizes import MEASURES, places
from bayesmeta.data.schema import LABELS, effect_problems, refuse
from bayesmeta.data.table.names import complete_form, complete_measure
from bayesmeta.data.table.reading import FLAGS, Reading
from bayesmeta.infrastructure.errors import BadInput

OMIT = '--columns "incomplete=omit" leaves out the rows without an effect, and a note names them'


def drop_rows(reading: Reading) -> Reading:
    """Return the reading without rows left out; raise BadInput if no row has an effect."""
    left_out = reading.effects["left_out"].to_numpy()
    rows = len(left_out)
    if not left_out.any():
        return reading
    if left_out.all():
        cells = "all or some of the cells that an effect needs are blank"
        raise BadInput(f"none of its {rows} rows has an effect: {cells}")
    where = places(left_out, list(reading.named.index))
    reason = f"because cells of their effect are blank: {where}"
    message = f"{left_out.sum()} of {rows} rows are left out, {reason}"
    named = reading.named[~left_out]
    return reading.updated(messages=[message], named=named, effects=reading.effects[~left_out])


def assemble(reading: Reading) -> Reading:
    """Return the reading with `frame`, the effect table; raise BadInput with a line per problem."""
    effects = reading.effects
    converted = effects.drop(columns=["yi", "vi", *FLAGS]).to_dict("series")
    others = reading.moderators.assign(**{str(name): converted[name] for name in converted})
    parts = [reading.labels[list(LABELS)], effects[["yi", "vi"]], others]
    frame = pd.concat([part.reset_index(drop=True) for part in parts], axis=1)
    frame = frame.assign(sheet_row=reading.named.index)
    problems = effect_problems(frame, refused=effects["refused"].to_numpy())
    refuse([*reading.problems, *problems, *_ways_out(reading)])
    scale = MEASURES[reading.measure].title if reading.measure else "effect size yi"
    frame.attrs = {"scale": scale}
    if reading.measure:
        frame.attrs["measure"] = reading.measure
    return reading.updated(frame=frame)


def _ways_out(reading: Reading) -> list[str]:
    if not reading.effects["incomplete"].any():
        return []
    names = [str(name) for name in reading.named.columns]
    measure = complete_measure(names, None)
    form = complete_form(names, None)
    if reading.asked_measure or measure is None or form is None or "yi" not in names:
        return [OMIT]
    by_form = f"computes those without yi from {', '.join(form)}"
    return [OMIT, f'--columns "measure={measure.name}" {by_form}']
