"""Tables of observed minus expected events and their variance, as RevMan exports them."""

import numpy as np

from bayesmeta.data.table.names import plain
from bayesmeta.data.table.numerals import floats
from bayesmeta.data.table.reading import Reading
from bayesmeta.data.table.requests import names_columns

DIFFERENCE = ("o_e", "oe", "o_minus_e", "observed_expected", "observed_minus_expected")
VARIANCE = ("variance", "v", "var", "var_o_e", "v_o_e", "hypergeometric_variance")
SCALE = "log ratio by Peto's method"
MESSAGE = "yi = (O - E) / V and vi = 1 / V, a log odds (or hazard) ratio by Peto's method, from {}"


def read_peto(reading: Reading) -> Reading:
    """Return the reading with yi and vi of a table with O - E and its variance V.

    yi = (O - E) / V, vi = 1 / V. A pair of columns that is 0 in every row, as in exports of other
    measures, is set aside. A table for which the user names the columns of the effect, or a
    measure, stays as it is.
    Source: Yusuf, Peto, Lewis, Collins & Sleight (1985), doi:10.1016/S0033-0620(85)80003-7.
    """
    text = reading.text
    pair = [_named(text.columns, words) for words in (DIFFERENCE, VARIANCE)]
    if not all(pair) or {"yi", "vi"} & {*text.columns}:
        return reading
    difference, variance = (str(name) for name in pair)
    rest = text.drop(columns=[difference, variance])
    v = floats(text[variance]).to_numpy()
    if not np.nansum(np.abs(v)) > 0:
        return reading.updated(text=rest)
    if names_columns(reading) or reading.asked_measure:
        return reading
    with np.errstate(divide="ignore", invalid="ignore"):
        yi = np.where(v > 0, floats(text[difference]).to_numpy() / v, np.nan)
        vi = np.where(v > 0, 1 / v, np.nan)
    cells = {name: _cells(values) for name, values in {"yi": yi, "vi": vi}.items()}
    message = MESSAGE.format(f"{difference} and {variance}")
    made = frozenset(cells)
    text = rest.assign(**cells)
    return reading.updated(text=text, messages=[message], scale=SCALE, ratio="OR", made=made)


def _named(columns: object, words: tuple[str, ...]) -> str | None:
    return next((str(name) for name in columns if plain(str(name)) in words), None)  # type: ignore[attr-defined]


def _cells(values: np.ndarray) -> list[str]:
    return ["" if np.isnan(value) else repr(float(value)) for value in values]
