"""Suspected data errors of the package's datasets, and their correction."""

from collections.abc import Sequence

import pandas as pd

from bayesmeta.data.corrections.numbers import with_sds_of_sems
from bayesmeta.data.effect_sizes import TWO_GROUPS
from bayesmeta.infrastructure.choices import check_known
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.files import root

GRADES = ("error", "suspected")


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
        raise BadInput(f"effects are corrected from their raw numbers; no column {missing}")
    wrong = _suspected(frame, grades)
    if not wrong.any():
        raise BadInput("nothing to correct: none of these effects is listed as a suspected error")
    return with_sds_of_sems(frame, wrong)


def without_suspects(frame: pd.DataFrame, *, grades: Sequence[str] = GRADES) -> pd.DataFrame:
    """Return the effect table without the suspected effects."""
    return frame[~_suspected(frame, grades)].reset_index(drop=True)


def _listed() -> pd.DataFrame:
    """Read the suspected errors of all datasets."""
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
