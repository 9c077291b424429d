"""The same numbers twice: in a study (a row entered twice) or in two (a study under two names)."""

import numpy as np
import pandas as pd

from bayesmeta.data.effect_sizes import TWO_GROUPS
from bayesmeta.robustness.lint.findings import Finding, Findings, LintInput, left_out, rows_of

MIN_DIGITS = 3  # significant digits of yi and vi: with fewer, two rows may agree by chance
MIN_SHARED_ROWS = 2  # rows in common that identify two studies as the same study
USUAL = "different numbers"


def duplicated_rows(inputs: LintInput) -> Findings:
    """Find effects of a study with the same numbers in all columns behind the effect size."""
    frame = inputs.frame
    same = fingerprints(inputs)
    key = (frame["study"] + "\0" + same).where(same.notna())
    copies = (key.duplicated(keep=False) & key.notna()).to_numpy()
    if not copies.any():
        return
    first = frame["effect"].groupby(key).transform("first")
    later = (key.duplicated() & key.notna()).to_numpy()
    yield Finding(
        rank=2,
        code="row-duplicated",
        title="Rows of a study with identical numbers",
        evidence=float(later.sum()),
        measure="effects that repeat an earlier effect",
        why="an effect that is entered twice counts twice, and effects seem to vary less than "
        "they do",
        advice="keep a single row, unless the paper has two outcomes that agree to the last digit",
        rows=rows_of(frame, copies, first, USUAL),
        remedy=left_out(inputs, later, "the later copies left out"),
    )


def studies_twice(inputs: LintInput) -> Findings:
    """Find pairs of studies that share rows; two rows in common are almost certain evidence."""
    frame = inputs.frame
    same = fingerprints(inputs)
    rows = frame.assign(same=same).dropna(subset="same")[["study", "same"]].drop_duplicates()
    pairs = rows.merge(rows, on="same")
    pairs = pairs[pairs["study_x"] < pairs["study_y"]]
    for (first, second), shared in pairs.groupby(["study_x", "study_y"])["same"]:
        both = (frame["study"].isin([first, second]) & same.isin(shared)).to_numpy()
        copies = both & (frame["study"] == second).to_numpy()
        yield Finding(
            rank=1 if len(shared) >= MIN_SHARED_ROWS else 2,
            code="study-twice",
            title=f"The same numbers in two studies: {first} and {second}",
            evidence=float(len(shared)),
            measure="rows that they have in common",
            why="a sample that is counted as two makes every interval too narrow, and the "
            "studies seem to agree",
            advice="compare authors, years and samples; give both the same study label, and "
            "keep every effect once",
            rows=rows_of(frame, both, frame["yi"], USUAL),
            remedy=left_out(inputs, copies, f"the copies in {second} left out"),
            priority=float(len(shared)),
        )


def fingerprints(inputs: LintInput) -> "pd.Series[str]":
    """Return raw numbers (else yi, vi) as text; missing for floors (mean, SD 0), rounded yi, vi."""
    frame = inputs.frame
    if not inputs.raw:
        exact = (frame[["yi", "vi"]].map(_digits) >= MIN_DIGITS).all(axis=1)
        return _joined(frame[["yi", "vi"]]).where(exact)
    raw = frame[list(TWO_GROUPS)]
    floors = ((raw["m1i"] == 0) & (raw["sd1i"] == 0)) | ((raw["m2i"] == 0) & (raw["sd2i"] == 0))
    # n may have been split differently, so the reported size identifies a row better
    sized = raw.assign(n2i=inputs.reported)
    return _joined(sized).where(raw.notna().all(axis=1) & ~floors)


def _joined(numbers: pd.DataFrame) -> "pd.Series[str]":
    text = numbers.map(lambda value: f"{value:.12g}")
    return text.agg(" ".join, axis=1)


def _digits(value: float) -> int:
    """Return the significant digits of a number as it was typed."""
    return len(np.format_float_positional(abs(value), trim="-").replace(".", "").strip("0"))
