"""The fourth stage: rows without an effect are left out."""

from bayesmeta.data.effect_sizes import places
from bayesmeta.data.table.reading import Reading
from bayesmeta.infrastructure.errors import BadInput


def drop_rows(reading: Reading) -> Reading:
    """Return the reading without the rows that may be left out; a message lists these.

    Raises
    ------
    BadInput
        No row has an effect.
    """
    left_out = reading.effects["left_out"].to_numpy()
    if not left_out.any():
        return reading
    if left_out.all():
        raise BadInput(
            f"none of its {len(left_out)} rows has an effect: all or some of the cells that an "
            "effect needs are blank"
        )
    message = (
        f"{left_out.sum()} of {len(left_out)} rows are left out, because cells of their effect are "
        f"blank: {places(left_out, reading.rows)}"
    )
    return reading.updated(
        messages=[message],
        named=reading.named[~left_out],
        effects=reading.effects[~left_out],
    )
