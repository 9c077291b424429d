"""The same numbers twice: in one study (a row entered twice) or in two (a study under two names)."""

import numpy as np
import pandas as pd

from bayesmeta.data.effect_sizes import TWO_GROUPS
from bayesmeta.robustness.lint.findings import Finding, Subject, left_out, rows_of

DIGITS = 3  # significant digits that yi and vi need, so that two rows do not agree by chance
SURE = 2  # rows in common that make two studies one


def duplicated_rows(subject: Subject) -> list[Finding]:
    """Effects of one study with the same numbers in every column that the effect size rests on."""
    frame, same = subject.frame, fingerprints(subject)
    key = (frame["study"] + "\0" + same).where(same.notna())
    copies = (key.duplicated(keep=False) & key.notna()).to_numpy()
    if not copies.any():
        return []
    first = frame["effect"].groupby(key).transform("first")
    later = (key.duplicated() & key.notna()).to_numpy()
    return [
        Finding(
            rank=2,
            code="row-duplicated",
            title="Rows of a study with identical numbers",
            evidence=float(later.sum()),
            measure="effects that repeat an earlier one",
            why="an effect that is entered twice counts twice, and effects seem to vary less than they do",
            advice="keep one, unless the paper has two outcomes that agree to the last digit",
            rows=rows_of(frame, copies, first, "numbers of its own"),
            remedy=left_out(subject, later, "the later copies left out"),
        )
    ]


def studies_twice(subject: Subject) -> list[Finding]:
    """Pairs of studies that share rows; two rows in common are all but certain."""
    frame, same = subject.frame, fingerprints(subject)
    pairs = frame.assign(same=same).dropna(subset="same")[["study", "same"]].drop_duplicates()
    pairs = pairs.merge(pairs, on="same")
    pairs = pairs[pairs["study_x"] < pairs["study_y"]]
    findings = []
    for (one, other), shared in pairs.groupby(["study_x", "study_y"])["same"]:
        both = (frame["study"].isin([one, other]) & same.isin(shared)).to_numpy()
        again = both & (frame["study"] == other).to_numpy()
        findings.append(
            Finding(
                rank=1 if len(shared) >= SURE else 2,
                code="study-twice",
                title=f"The same numbers in two studies: {one} and {other}",
                evidence=float(len(shared)),
                measure="rows that they have in common",
                why="one sample counted as two makes every interval too narrow, and the studies seem to agree",
                advice="compare authors, years and samples; give both one study label, and keep each effect once",
                rows=rows_of(frame, both, frame["yi"], "numbers of its own"),
                remedy=left_out(subject, again, f"the copies in {other} left out"),
                weight=float(len(shared)),
            )
        )
    return findings


def fingerprints(subject: Subject) -> "pd.Series[str]":
    """The numbers of each effect as text, from the raw columns or else yi and vi; missing where chance could agree.

    Rows with a mean and an SD of 0 in some group (floors) say nothing, and neither do rounded yi and vi.
    """
    frame = subject.frame
    if not subject.raw:
        exact = (frame[["yi", "vi"]].map(_digits) >= DIGITS).all(axis=1)
        return _joined(frame[["yi", "vi"]]).where(exact)
    raw = frame[list(TWO_GROUPS)]
    floors = ((raw["m1i"] == 0) & (raw["sd1i"] == 0)) | ((raw["m2i"] == 0) & (raw["sd2i"] == 0))
    # n may have been split differently, so a reported size is the better mark
    sized = raw.assign(n2i=subject.reported)
    return _joined(sized).where(raw.notna().all(axis=1) & ~floors)


def _joined(numbers: pd.DataFrame) -> "pd.Series[str]":
    text = numbers.map(lambda value: f"{value:.12g}")
    return text.agg(" ".join, axis=1)


def _digits(value: float) -> int:
    """Significant digits of a number as it was typed."""
    return len(np.format_float_positional(abs(value), trim="-").replace(".", "").strip("0"))
