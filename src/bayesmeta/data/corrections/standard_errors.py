"""Suspected data errors of the TRACE record, and the effect table with them put right."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bayesmeta.data.effect_sizes import MEASURES, TWO_GROUPS
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import root

GRADES = ("error", "suspected")


def suspects(frame: pd.DataFrame) -> pd.DataFrame:
    """Suspected errors in an effect table.

    Parameters
    ----------
    frame : DataFrame
        Effect table with the columns study and effect.

    Returns
    -------
    DataFrame
        study, grade (`error`, put right by default; `suspected`, flagged only), effects (how many), suspicion,
        correction, reason; no rows where the table has none of them.
    """
    known = pd.read_csv(root() / "data" / "trace" / "suspects.csv", dtype=str)
    counts = [int(_hit(frame, row).sum()) for _, row in known.iterrows()]
    found = known.assign(effects=counts)
    columns = ["study", "grade", "effects", "suspicion", "correction", "reason"]
    return found.loc[found["effects"] > 0, columns].reset_index(drop=True)


def corrected(frame: pd.DataFrame, *, grades: Sequence[str] = ("error",)) -> pd.DataFrame:
    """The effect table with standard errors that were typed as standard deviations turned into these.

    SD = SEM sqrt(n), n as reported, before a control was split between comparisons; then yi and vi again.

    Parameters
    ----------
    frame : DataFrame
        Effect table with m1i, sd1i, n1i, m2i, sd2i, n2i and direction; n2i_reported where controls were split.
    grades : sequence of {"error", "suspected"}
        Which of `suspects` to put right.

    Raises
    ------
    BadInput
        An unknown grade; the table has no such effects, or lacks a column.
    """
    if unknown := [grade for grade in grades if grade not in GRADES]:
        raise BadInput(
            f"unknown grades {unknown} of suspected errors; the grades are: {', '.join(GRADES)}"
        )
    if missing := [
        name for name in (*TWO_GROUPS, "direction", "effect", "study") if name not in frame
    ]:
        raise BadInput(
            f"effects can only be corrected from their raw numbers; the table has no column {missing}"
        )
    wrong = _wrong(frame, grades)
    if not wrong.any():
        raise BadInput(
            "this table has none of the effects of data/trace/suspects.csv; there is nothing to correct"
        )
    return with_sds_of_sems(frame, wrong)


def with_sds_of_sems(frame: pd.DataFrame, wrong: "pd.Series[bool]") -> pd.DataFrame:
    """The effect table with sd1i and sd2i of some rows read as standard errors, and their yi and vi anew.

    The column direction says on which side of its raw difference a yi lies; without it, each stays where it is.
    """
    part = frame.loc[wrong].copy()
    reported = part["n2i_reported"] if "n2i_reported" in part else part["n2i"]
    part["sd1i"], part["sd2i"] = (
        part["sd1i"] * np.sqrt(part["n1i"]),
        part["sd2i"] * np.sqrt(reported),
    )
    return with_numbers(frame, part)


def with_numbers(frame: pd.DataFrame, part: pd.DataFrame) -> pd.DataFrame:
    """The effect table with other raw numbers in some rows, `part` of it, and their yi and vi anew.

    The column direction says on which side of its raw difference a yi lies; without it, each stays where it is.
    """
    part = part.copy()
    turned = (part["m1i"] - part["m2i"]) * part["yi"] < 0
    side = part["direction"] if "direction" in part else np.where(turned, -1, 1)
    columns: dict[str, ArrayLike] = {name: part[name] for name in TWO_GROUPS}
    raw, vi = MEASURES["SMD"](vtype="LS", rows=list(part.index), **columns)
    part["yi"], part["vi"] = side * raw, vi
    if "yi_raw" in part:
        part["yi_raw"] = raw
    fixed = frame.copy()
    changed = [name for name in (*TWO_GROUPS, "yi_raw", "yi", "vi") if name in frame]
    fixed.loc[part.index, changed] = part[changed]
    fixed.attrs = dict(frame.attrs)
    return fixed


def without_suspects(frame: pd.DataFrame, *, grades: Sequence[str] = GRADES) -> pd.DataFrame:
    """The effect table without the suspected effects."""
    return frame[~_wrong(frame, grades)].reset_index(drop=True)


def _wrong(frame: pd.DataFrame, grades: Sequence[str]) -> "pd.Series[bool]":
    known = pd.read_csv(root() / "data" / "trace" / "suspects.csv", dtype=str)
    wrong = pd.Series(False, index=frame.index)
    for _, row in known[known["grade"].isin(list(grades))].iterrows():
        wrong |= _hit(frame, row)
    return wrong


def _hit(frame: pd.DataFrame, suspect: "pd.Series[str]") -> "pd.Series[bool]":
    return (frame["study"] == suspect["study"]) & frame["effect"].str.fullmatch(suspect["rows"])
