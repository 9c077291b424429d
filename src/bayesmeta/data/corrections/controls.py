"""Controls counted in full, for models in which the effects of a control covary."""

import numpy as np
import pandas as pd

from bayesmeta.data.corrections.numbers import with_numbers
from bayesmeta.data.effect_sizes import TWO_GROUPS
from bayesmeta.infrastructure.errors import BadInput


def with_whole_controls(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the effect table with split controls counted in full.

    A split control is divided between the groups that are compared with it. n2i becomes the
    reported size, sd2i = sem2i sqrt(n2i) if a standard error was reported (a standard deviation
    stays), and yi and vi follow, with the sign that yi had.

    Split controls are marked by n2i_reported and control_used; a table without them is returned as
    it is. Raise BadInput if controls are split and m1i, sd1i, n1i, m2i, sd2i, n2i, sem2i or
    sd2i_source is missing.
    """
    split = pd.Series(split_controls(frame), frame.index)
    if not split.any():
        return frame
    if missing := [name for name in (*TWO_GROUPS, "sem2i", "sd2i_source") if name not in frame]:
        raise BadInput(f"split controls are counted in full from raw numbers; no column {missing}")
    part = frame.loc[split]
    n2i = part["n2i_reported"]
    from_sem = part["sem2i"] * np.sqrt(n2i)
    sd2i = part["sd2i"].mask(part["sd2i_source"] == "SEM", from_sem)
    return with_numbers(frame, part.assign(n2i=n2i, sd2i=sd2i))


def split_controls(frame: pd.DataFrame) -> np.ndarray:
    """Return True for effects with a control that several groups share and that is split (k,).

    There are none if the table lacks n2i_reported or control_used.
    """
    if not {"n2i_reported", "control_used"} <= set(frame.columns):
        return np.zeros(len(frame), bool)
    shared = frame["control_used"] > 1
    return (shared & (frame["n2i"] != frame["n2i_reported"])).to_numpy()
