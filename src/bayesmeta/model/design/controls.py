"""The effects that have a control measurement in common, so that their sampling errors covary.

The control's result enters all of these effects, whatever becomes of their groups. Their errors
covary by the part of the variance that the control has, of a control with n_C subjects, of whom c
have an event and d have none, with mean m and standard deviation s:

    SMD  1 / n_C + g_i g_j / (2 N)          MD   s^2 / n_C          ROM  s^2 / (n_C m^2)
    OR   1 / c + 1 / d                      RR   1 / c - 1 / n_C    RD   c d / n_C^3

with N the number of subjects of the control and of all groups compared with it. Where a table of
counts has an empty cell, 1/2 is added to all of it, as in the effect. The formulas count the
control in full: its n must not be split between the comparisons.

Source: Gleser & Olkin 2009, in The handbook of research synthesis and meta-analysis, 2nd ed.,
chapter 19; with N as in metafor's worked example of it.
"""

from typing import Any

import numpy as np
import pandas as pd

from bayesmeta.data.corrections import split_controls
from bayesmeta.infrastructure.errors import BadInput

MEASURE = "SMD"
COUNTS = ("ai", "n1i", "ci", "n2i")
COLUMNS = {  # of the table, by measure
    MEASURE: ("n1i", "n2i"),
    "MD": ("n1i", "n2i", "sd2i"),
    "ROM": ("n1i", "n2i", "m2i", "sd2i"),
    **dict.fromkeys(("OR", "RR", "RD"), COUNTS),
}
MAX_RATIO = 3.0  # of vi to that of an SMD, by the median: a log odds ratio has 4 or more
MEASUREMENT = ("study", "control", "n2i", "m2i", "sd2i", "ci")  # the same in all: the same one


def code_controls(frame: pd.DataFrame) -> dict[str, tuple[str, np.ndarray]]:
    """Return the control measurements of an effect table, as variables over `effect`.

    They are control_cluster, index of the control measurement; control_side, -1 where yi is turned
    against group - control; control_variance, the covariance of the module's table without g; and
    control_subjects, N, infinite except for SMD. Effects share a measurement where study, control
    and its size agree, and its mean, standard deviation and events where the table has them; none
    share
    a control without variation (a floor, a ceiling), which may look alike in two measurements. The
    table has control and `COLUMNS`, and may have direction (1, -1). Raise BadInput if a column is
    missing, a group size is not positive, the n of a shared control is split, or the effects are of
    another measure.
    """
    measure = str(frame.attrs.get("measure") or MEASURE)
    needed = ("control", *COLUMNS.get(measure, COLUMNS[MEASURE]))
    if missing := [name for name in needed if name not in frame]:
        listed = f"shared controls of {measure} need the columns {', '.join(needed)}"
        raise BadInput(f"{listed}; the table has no column {missing}")
    if not (frame[["n1i", "n2i"]] > 0).all(axis=None):
        raise BadInput("shared controls need both group sizes, n1i and n2i, above 0; some are not")
    if split := int(split_controls(frame).sum()):
        raise BadInput(
            f"shared_controls counts a control in full, but {split} effects have an n2i that is "
            "split between the groups compared with it (n2i_reported is the full n); use "
            "`data.corrections.with_full_controls`, as `bayesmeta multiverse` does"
        )
    if measure not in COLUMNS or ((got := why_not_smd(frame)) and measure == MEASURE):
        got = got if measure == MEASURE else f"the effects are {measure}"
        formula = f"shared_controls has the covariance of {', '.join(COLUMNS)}"
        remedy = "leave out shared_controls, or keep one comparison per control"
        raise BadInput(f"{formula}, and {got}; {remedy}")
    cluster = control_measurements(frame)
    subjects = _subjects(frame, cluster) if measure == MEASURE else np.full(len(frame), np.inf)
    measured = {
        "cluster": cluster,
        "side": _sides(frame),
        "variance": _variances(frame, measure),
        "subjects": subjects,
    }
    return {f"control_{name}": ("effect", values) for name, values in measured.items()}


def _variances(frame: pd.DataFrame, measure: str) -> np.ndarray:
    """Return the part of every effect's variance that its control has, of an SMD without g (k,)."""
    n = frame["n2i"].to_numpy(float)
    if measure == MEASURE:
        return 1 / n
    if measure in ("MD", "ROM"):
        of_mean = frame["sd2i"].to_numpy(float) ** 2 / n
        return of_mean if measure == "MD" else of_mean / frame["m2i"].to_numpy(float) ** 2
    a, n1, c, n = (frame[name].to_numpy(float) for name in COUNTS)
    empty = (np.array([a, n1 - a, c, n - c]) == 0).any(0)
    c, d = c + empty / 2, n - c + empty / 2
    if measure == "RD":
        return c * d / (c + d) ** 3
    return 1 / c + 1 / d if measure == "OR" else 1 / c - 1 / (c + d)


def why_not_smd(frame: pd.DataFrame) -> str:
    """Return why effects with group sizes are no standardised mean differences, or ""."""
    if measure := str(frame.attrs.get("measure") or ""):
        return "" if measure == MEASURE else f"the effects are {measure}"
    ratio = _variance_ratio(frame)
    if ratio < MAX_RATIO:
        return ""
    return f"the vi of these effects differ {ratio:.1f}-fold from the vi of SMDs with n1i and n2i"


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
