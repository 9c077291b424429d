"""Corrections of an effect table: controls counted in full, standard errors typed as SDs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bayesmeta.data.effect_sizes import MEASURES, TWO_GROUPS
from bayesmeta.infrastructure.choices import check_known
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import root

GRADES = ("error", "suspected")


def with_full_controls(frame: pd.DataFrame) -> pd.DataFrame:
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
        raise BadInput(f"full sizes of split controls need raw numbers; no column {missing}")
    part = frame.loc[split]
    n2i = part["n2i_reported"]
    from_sem = part["sem2i"] * np.sqrt(n2i)
    sd2i = part["sd2i"].mask(part["sd2i_source"] == "SEM", from_sem)
    return with_numbers(frame, part.assign(n2i=n2i, sd2i=sd2i))


def split_controls(frame: pd.DataFrame) -> np.ndarray:
    """Return True for effects with a shared, split control (k,); see `with_full_controls`."""
    if not {"n2i_reported", "control_used"} <= set(frame.columns):
        return np.zeros(len(frame), bool)
    shared = frame["control_used"] > 1
    return (shared & (frame["n2i"] != frame["n2i_reported"])).to_numpy()


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


def suspects(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the suspected errors in an effect table with the columns study and effect.

    Columns: study, grade (`error`, corrected by default; `suspected`, flagged only), effects (their
    number), suspicion, correction, reason; no rows if the table has none of them.
    """
    listed = _listed()
    counts = [int(_matches(frame, row).sum()) for _, row in listed.iterrows()]
    columns = ["study", "grade", "effects", "suspicion", "correction", "reason"]
    table = listed.assign(effects=counts)[columns]
    return table[table["effects"] > 0].reset_index(drop=True)


def corrected(frame: pd.DataFrame, *, grades: Sequence[str] = ("error",)) -> pd.DataFrame:
    """Return the effect table in which standard errors typed as standard deviations become SDs.

    The table has m1i, sd1i, n1i, m2i, sd2i, n2i and direction; n2i_reported if controls were split.
    `grades` are those of `suspects`. Raise BadInput if a grade is unknown, the table has no such
    effects, or it lacks a column.
    """
    for grade in grades:
        check_known("grade of suspected errors", grade, GRADES)
    needed = (*TWO_GROUPS, "direction", "effect", "study")
    if missing := [name for name in needed if name not in frame]:
        raise BadInput(f"the correction of effects needs raw numbers; no column {missing}")
    wrong = _suspected(frame, grades)
    if not wrong.any():
        raise BadInput("nothing to correct: none of these effects is listed as a suspected error")
    return with_sds_of_sems(frame, wrong)


def without_suspects(frame: pd.DataFrame, *, grades: Sequence[str] = GRADES) -> pd.DataFrame:
    """Return the effect table without the suspected effects."""
    return frame[~_suspected(frame, grades)].reset_index(drop=True)


def _listed() -> pd.DataFrame:
    files = sorted((root() / "data").glob("*/suspects.csv"))
    return pd.concat([pd.read_csv(file, dtype=str) for file in files], ignore_index=True)


def _suspected(frame: pd.DataFrame, grades: Sequence[str]) -> "pd.Series[bool]":
    listed = _listed()
    wrong = pd.Series(False, index=frame.index)
    for _, row in listed[listed["grade"].isin(list(grades))].iterrows():
        wrong |= _matches(frame, row)
    return wrong


def _matches(frame: pd.DataFrame, suspect: "pd.Series[str]") -> "pd.Series[bool]":
    in_study = frame["study"] == suspect["study"]
    return in_study & frame["effect"].str.fullmatch(suspect["rows"])
