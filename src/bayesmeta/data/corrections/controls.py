"""The effect table with whole controls: for models in which the effects of one control covary."""

import numpy as np
import pandas as pd

from bayesmeta.data.corrections.standard_errors import with_numbers
from bayesmeta.data.effect_sizes import TWO_GROUPS
from bayesmeta.infrastructure.errors import BadInput


def with_whole_controls(frame: pd.DataFrame) -> pd.DataFrame:
    """The effect table with controls counted whole that were split between the groups compared with them.

    n2i is what was reported, sd2i = sem2i sqrt(n2i) where a standard error was (a standard deviation stays), and yi and
    vi follow, on the side on which yi was.

    Parameters
    ----------
    frame : DataFrame
        Effect table; with split controls n2i_reported and control_used say so, and m1i, sd1i, n1i, m2i, sd2i, n2i,
        sem2i and sd2i_source must be there. Without, it is returned as it is.

    Raises
    ------
    BadInput
        Controls are split and a column is missing.
    """
    split = pd.Series(split_controls(frame), frame.index)
    if not split.any():
        return frame
    if missing := [name for name in (*TWO_GROUPS, "sem2i", "sd2i_source") if name not in frame]:
        raise BadInput(
            f"split controls can only be made whole from raw numbers; the table has no column {missing}"
        )
    part = frame.loc[split].copy()
    part["n2i"] = part["n2i_reported"]
    from_sem = part["sem2i"] * np.sqrt(part["n2i"])
    part["sd2i"] = part["sd2i"].mask(part["sd2i_source"] == "SEM", from_sem)
    return with_numbers(frame, part)


def split_controls(frame: pd.DataFrame) -> np.ndarray:
    """Effects whose control serves several groups and is counted in part (k,), where the table tells."""
    if not {"n2i_reported", "control_used"} <= set(frame.columns):
        return np.zeros(len(frame), bool)
    return ((frame["control_used"] > 1) & (frame["n2i"] != frame["n2i_reported"])).to_numpy()
