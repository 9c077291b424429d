"""The effects that have a control measurement in common, so that their sampling errors covary.

The control's mean and standard deviation enter all of these effects, whatever becomes of their
groups:

    cov(g_i, g_j) = 1 / n_C + g_i g_j / (2 N)

with n_C the size of the control and N the number of subjects of it and of all groups compared with
it. The formula is that of standardised mean differences, and counts the control in full: its n must
not be split between the comparisons.

Source: Gleser & Olkin 2009, in The handbook of research synthesis and meta-analysis, 2nd ed.,
chapter 19; with N as in metafor's worked example of it.
"""

from typing import Any

import numpy as np
import pandas as pd

from bayesmeta.data.corrections import split_controls
from bayesmeta.infrastructure.errors import BadInput

MEASURE = "SMD"
MAX_RATIO = 3.0  # of vi to that of an SMD, by the median: a log odds ratio has 4 or more
NEEDED = ("control", "n1i", "n2i")
MEASUREMENT = ("study", "control", "n2i", "m2i", "sd2i")  # the same in all: the same measurement


def code_controls(frame: pd.DataFrame) -> dict[str, tuple[str, np.ndarray]]:
    """Return the control measurements of an effect table, as variables over `effect`.

    They are control_cluster, index of the control measurement; control_side, -1 where yi is turned
    against group - control; control_subjects, N. Effects share a measurement where study, control
    and its size agree, and its mean and standard deviation where the table has them; none share a
    control without variation (a floor, a ceiling), which may look alike in two measurements. The
    table has control, n1i, n2i, and may have m2i, sd2i and direction (1, -1). Raise BadInput if a
    column is missing, a group size is not positive, the n of a shared control is split, or the
    effects are of another measure.
    """
    if missing := [name for name in NEEDED if name not in frame]:
        needed = f"shared controls need the columns {', '.join(NEEDED)}"
        raise BadInput(f"{needed}; the table has no column {missing}")
    if not (frame[["n1i", "n2i"]] > 0).all(axis=None):
        raise BadInput("shared controls need both group sizes, n1i and n2i, above 0; some are not")
    if split := int(split_controls(frame).sum()):
        raise BadInput(
            f"shared_controls counts a control in full, but {split} effects have an n2i that is "
            "split between the groups compared with it (n2i_reported is the full n); use "
            "`data.corrections.with_whole_controls`, as `bayesmeta multiverse` does"
        )
    if got := why_not_smd(frame):
        formula = "shared_controls has the covariance of standardised mean differences (SMD) alone"
        remedy = "leave out shared_controls, or keep one comparison per control"
        raise BadInput(f"{formula}, and {got}; {remedy}")
    cluster = control_measurements(frame)
    measured = {"cluster": cluster, "side": _sides(frame), "subjects": _subjects(frame, cluster)}
    return {f"control_{name}": ("effect", values) for name, values in measured.items()}


def why_not_smd(frame: pd.DataFrame) -> str:
    """Return why effects with group sizes are no standardised mean differences, or ""."""
    if measure := str(frame.attrs.get("measure") or ""):
        return "" if measure == MEASURE else f"the effects are {measure}"
    ratio = _variance_ratio(frame)
    if ratio < MAX_RATIO:
        return ""
    return f"the vi of these effects differ {ratio:.1f}-fold from those of SMDs with n1i and n2i"


def _variance_ratio(frame: pd.DataFrame) -> float:
    """Return by how much vi differs from that of an SMD with these groups (median of effects)."""
    sizes = frame[["n1i", "n2i"]].to_numpy(float)
    of_smd = (1 / sizes).sum(axis=1) + frame["yi"].to_numpy(float) ** 2 / (2 * sizes.sum(axis=1))
    return float(np.exp(np.median(np.abs(np.log(frame["vi"].to_numpy(float) / of_smd)))))


def control_measurements(frame: pd.DataFrame) -> np.ndarray:
    """Return the index of every effect's control measurement (k,)."""
    keys = [name for name in MEASUREMENT if name in frame]
    groups = frame.groupby(keys, dropna=False, sort=False, observed=True)
    cluster = groups.ngroup().to_numpy(copy=True)
    blank = frame["control"].isna() | (frame["control"].astype(str).str.strip() == "")
    alone = (blank | (frame["sd2i"] == 0 if "sd2i" in frame else False)).to_numpy()
    cluster[alone] = len(frame) + np.flatnonzero(alone)
    return pd.factorize(cluster)[0]


def _sides(frame: pd.DataFrame) -> np.ndarray:
    if "direction" in frame and frame["direction"].isin([-1, 1]).all():
        return frame["direction"].to_numpy(float)
    if not {"m1i", "m2i"} <= set(frame.columns):
        return np.ones(len(frame))
    return np.where((frame["m1i"] - frame["m2i"]) * frame["yi"] < 0, -1.0, 1.0)


def _subjects(frame: pd.DataFrame, cluster: np.ndarray) -> np.ndarray:
    """Return N of every effect's control: a group that is compared several times counts once."""
    table: Any = frame[["group", "n1i"]].assign(cluster=cluster)
    sizes = table.groupby(["cluster", "group"], observed=True)["n1i"].max()
    treated = sizes.groupby("cluster").sum().reindex(cluster)
    return treated.to_numpy(float) + frame["n2i"].to_numpy(float)
