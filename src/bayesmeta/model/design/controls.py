r"""Which effects are measured against the same control measurement, so that their sampling errors covary.

The control's mean and standard deviation enter all of these effects, whatever becomes of their own groups:

    cov(g_i, g_j) = 1 / n_C + g_i g_j / (2 N)

with n_C the size of the control and N the number of subjects of it and of all groups compared with it. The formula is
one of standardised mean differences, and counts the control whole: its n must not be split between the comparisons.

Source: Gleser & Olkin 2009, in The handbook of research synthesis and meta-analysis, 2nd ed., chapter 19; with N as in
metafor's worked example of it.
"""

from typing import Any

import numpy as np
import pandas as pd

from bayesmeta.data.corrections import split_controls
from bayesmeta.infrastructure.errors import BadInput

NEEDED = ("control", "n1i", "n2i")
MEASUREMENT = ("study", "control", "n2i", "m2i", "sd2i")  # the same in all: the same measurement


def code_controls(frame: pd.DataFrame) -> dict[str, tuple[str, np.ndarray]]:
    """The control measurements of an effect table.

    Effects share one where study, control and its size agree, and its mean and standard deviation where the table has
    them. A control without spread (a floor, a ceiling) may look alike in two measurements: it is shared by none.

    Parameters
    ----------
    frame : DataFrame
        Effect table with control, n1i, n2i; m2i, sd2i and direction (1, -1) as far as it has them.

    Returns
    -------
    dict
        Over `effect`: control_cluster, index of the control measurement; control_side, -1 where yi is turned against
        group - control; control_subjects, N.

    Raises
    ------
    BadInput
        A column is missing, a group size is not positive, the n of a shared control is split.
    """
    if missing := [name for name in NEEDED if name not in frame]:
        raise BadInput(
            f"shared controls are told by the columns {', '.join(NEEDED)}; the table has no column {missing}"
        )
    if not (frame[["n1i", "n2i"]] > 0).all(axis=None):
        raise BadInput(
            "shared controls need both group sizes of every effect, n1i and n2i above 0; some are not"
        )
    if split := int(split_controls(frame).sum()):
        raise BadInput(
            f"shared_controls counts a control whole, but {split} effects have an n2i that is split between the groups "
            "compared with it (n2i_reported is the whole); use `published.with_whole_controls` on the table, as the "
            "alternative 'shared controls' of `bayesmeta multiverse` does"
        )
    cluster = control_measurements(frame)
    return {
        "control_cluster": ("effect", cluster),
        "control_side": ("effect", _sides(frame)),
        "control_subjects": ("effect", _subjects(frame, cluster)),
    }


def control_measurements(frame: pd.DataFrame) -> np.ndarray:
    """Index of each effect's control measurement (k,), its own where it shares none."""
    keys = [name for name in MEASUREMENT if name in frame]
    cluster = (
        frame.groupby(keys, dropna=False, sort=False, observed=True).ngroup().to_numpy(copy=True)
    )
    blank = frame["control"].isna() | (frame["control"].astype(str).str.strip() == "")
    alone = (blank | (frame["sd2i"] == 0 if "sd2i" in frame else False)).to_numpy()
    cluster[alone] = len(frame) + np.flatnonzero(alone)
    codes, _ = pd.factorize(cluster)
    return codes


def _sides(frame: pd.DataFrame) -> np.ndarray:
    if "direction" in frame and frame["direction"].isin([-1, 1]).all():
        return frame["direction"].to_numpy(float)
    turned = (
        (frame["m1i"] - frame["m2i"]) * frame["yi"] < 0
        if {"m1i", "m2i"} <= set(frame.columns)
        else False
    )
    return np.where(turned, -1.0, 1.0) * np.ones(len(frame))


def _subjects(frame: pd.DataFrame, cluster: np.ndarray) -> np.ndarray:
    """N of each effect's control: a group that is compared several times counts once."""
    table: Any = frame[["group", "n1i"]].assign(cluster=cluster)
    groups = (
        table.groupby(["cluster", "group"], observed=True)["n1i"].max().groupby("cluster").sum()
    )
    total: np.ndarray = groups.reindex(cluster).to_numpy(float) + frame["n2i"].to_numpy(float)
    return total
