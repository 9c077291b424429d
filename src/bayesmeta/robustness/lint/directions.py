"""Effects that point away from their cell: a study whose sign was coded the other way round, or a whole outcome.

The evidence is a log likelihood ratio: -yi against yi, given what is usual in the other studies of the cell.
"""

import numpy as np
import pandas as pd

from bayesmeta.robustness.lint.families import study_score, usual_of
from bayesmeta.robustness.lint.findings import Finding, Remedy, Subject, rows_of

LIKELY = float(np.log(100))  # every study of every cell is looked at, so 20 to 1 comes up by chance
FAR = 2.0  # spreads of the cell between a study and the middle
AGREE = 0.75  # share of the other studies on the usual side
CODES = (("task", "outcome"), ("task",), ("outcome",), ("measure",))
STUDY, OUTCOME = "direction-study", "direction-outcome"
LEAST = 3  # studies that an outcome must have to be judged as a whole
WHY = (
    "which direction is better must be decided per outcome (a latency, an error count, extinction); a wrong sign moves "
    "the mean of its cell and adds heterogeneity that is not there"
)
ADVICE = "look up in the paper which direction means better performance, and compare with the code of this outcome"


def inverted_studies(subject: Subject) -> list[Finding]:
    """Studies on the other side of a cell on which the others agree."""
    frame, y = subject.frame, subject.frame["yi"].to_numpy()
    least = float(np.sqrt(frame["vi"].median())) / 2
    usual = usual_of(y, frame["study"], [subject.cell], least=least)
    agreed = _agreement(frame, subject.cell, usual.centre) >= AGREE
    evidence = usual.log_density(-y) - usual.log_density(y)
    here = frame["study"] + "\0" + subject.cell
    score = here.map(study_score(evidence, here)).to_numpy(float)
    far = here.map(pd.Series(usual.z(y), frame.index).groupby(here).median().abs()).to_numpy(float)
    which = (score >= LIKELY) & (far >= FAR) & agreed & (usual.centre * y < 0)
    title = "The effects of a study lie on the other side of their cell: study {}"
    return [
        _turned(subject, which & (frame["study"] == name).to_numpy(), usual.centre, score, title.format(name))
        for name in frame["study"][which].unique()
    ]


def inverted_outcomes(subject: Subject) -> list[Finding]:
    """Outcomes whose effects lie, in most studies, opposite to the other outcomes of their cell."""
    frame, y = subject.frame, subject.frame["yi"].to_numpy()
    code = next((kind for names in CODES if (kind := subject.kinds(*names)) is not None), None)
    if code is None:
        return []
    evidence, centre = np.full(len(y), np.nan), np.full(len(y), np.nan)
    within = subject.cell + "\0" + code
    for label in within[within.groupby(within).transform("size") > 0].unique():
        own = (within == label).to_numpy()
        others = (subject.cell == subject.cell[own].iloc[0]).to_numpy() & ~own
        if frame["study"][own].nunique() < LEAST:
            continue
        # the outcome takes the place of a study: it is judged by the studies of the cell that have others
        values, study = np.where(own | others, y, np.nan), frame["study"].where(~own, "\0")
        usual = usual_of(values, study, [pd.Series("", frame.index)], least=float(np.sqrt(frame["vi"].median())) / 2)
        gain = usual.log_density(-y) - usual.log_density(y)
        evidence[own], centre[own] = gain[own], usual.centre[own]
    here = frame["study"] + "\0" + within
    by_study = study_score(evidence, here).groupby(lambda label: label.split("\0", 1)[1])
    score = within.map(by_study.sum()).to_numpy(float)
    turned = within.map(by_study.agg(lambda each: (each > 0).mean())).to_numpy(float)
    which = (score >= LIKELY) & (turned >= AGREE) & np.isfinite(evidence)
    title = "The effects of an outcome lie opposite to the rest of their cell in most studies: {}"
    return [
        _turned(
            subject, which & (within == label).to_numpy(), centre, score, title.format(label.split("\0")[1]), OUTCOME
        )
        for label in within[which].unique()
    ]


def _agreement(frame: pd.DataFrame, cell: "pd.Series[str]", centre: np.ndarray) -> np.ndarray:
    """Share of the other studies of each effect's cell whose median is on the side of the centre, (k,)."""
    middle = frame.groupby([cell, frame["study"]])["yi"].median()
    share = np.full(len(frame), np.nan)
    for position, (label, study) in enumerate(zip(cell, frame["study"], strict=True)):
        others = middle[label].drop(study)
        share[position] = (others * centre[position] > 0).mean() if len(others) else np.nan
    return share


def _turned(
    subject: Subject, which: np.ndarray, centre: np.ndarray, score: np.ndarray, title: str, code: str = STUDY
) -> Finding:
    turned = subject.frame.assign(yi=subject.frame["yi"].where(~which, -subject.frame["yi"]))
    turned.attrs = subject.frame.attrs
    evidence = float(score[which].max())
    return Finding(
        rank=2,
        code=code,
        title=title,
        evidence=evidence,
        measure="log likelihood ratio, the other sign against this one",
        why=WHY,
        advice=ADVICE,
        rows=rows_of(subject.frame, which, subject.frame["yi"], centre),
        remedy=Remedy("signs of these effects turned", turned, subject.spec),
        weight=evidence,
    )
