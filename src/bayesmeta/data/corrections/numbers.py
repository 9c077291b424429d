"""Other raw numbers in some rows of an effect table, and the effects that follow from them."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bayesmeta.data.effect_sizes import MEASURES, TWO_GROUPS


def with_numbers(frame: pd.DataFrame, part: pd.DataFrame) -> pd.DataFrame:
    """Return the effect table with other raw numbers in some rows, and their yi and vi.

    `part` are these rows, with the other numbers under m1i, sd1i, n1i, m2i, sd2i, n2i. The sign of
    yi follows the column direction; without that column it stays as it is.
    """
    opposite = (part["m1i"] - part["m2i"]) * part["yi"] < 0
    sign = part["direction"] if "direction" in part else np.where(opposite, -1, 1)
    columns: dict[str, ArrayLike] = {name: part[name] for name in TWO_GROUPS}
    raw, vi = MEASURES["SMD"](vtype="LS", rows=list(part.index), **columns)
    part = part.assign(yi_raw=raw, yi=sign * raw, vi=vi)
    corrected = frame.copy()
    changed = [name for name in (*TWO_GROUPS, "yi_raw", "yi", "vi") if name in frame]
    corrected.loc[part.index, changed] = part[changed]
    corrected.attrs = dict(frame.attrs)
    return corrected


def with_sds_of_sems(frame: pd.DataFrame, rows: "pd.Series[bool]") -> pd.DataFrame:
    """Return the effect table with sd1i and sd2i of some rows read as standard errors.

    SD = SEM sqrt(n), n as reported, before a control was split between comparisons; yi and vi
    follow, as in `with_numbers`. `rows` has the index of the table.
    """
    part = frame.loc[rows]
    reported = part["n2i_reported" if "n2i_reported" in part else "n2i"]
    sd1i = part["sd1i"] * np.sqrt(part["n1i"])
    sd2i = part["sd2i"] * np.sqrt(reported)
    return with_numbers(frame, part.assign(sd1i=sd1i, sd2i=sd2i))
