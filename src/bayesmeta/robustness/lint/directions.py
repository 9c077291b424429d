"""Effects on the other side of their cell: a study or an outcome with an inverted sign.

The evidence is a log likelihood ratio: -yi against yi, given the usual values in the other studies
of the cell.
"""

from typing import Any

import numpy as np
import pandas as pd

from bayesmeta.robustness.lint.families import Usual, least_scale, study_score, usual_of
from bayesmeta.robustness.lint.findings import Finding, Findings, LintInput, Remedy, rows_of

MIN_LOG_RATIO = float(np.log(100))  # all studies of all cells are tested: 20 to 1 occurs by chance
MIN_DISTANCE = 2.0  # scales of the cell between a study and the centre
MIN_AGREEMENT = 0.75  # share of the other studies on the usual side
MIN_STUDIES = 3  # studies of an outcome that is judged as a unit
OUTCOME_COLUMNS = (("task", "outcome"), ("task",), ("outcome",), ("measure",))
WHY = (
    "the better direction must be decided per outcome (a latency, an error count, extinction); a "
    "wrong sign moves the mean of its cell and adds heterogeneity that does not exist"
)
ADVICE = (
    "look up in the paper which direction means better performance, and compare with the code of "
    "this outcome"
)


def inverted_studies(inputs: LintInput) -> Findings:
    """Find studies on the other side of a cell on which the others agree."""
    frame = inputs.frame
    y = frame["yi"].to_numpy()
    usual = usual_of(y, frame["study"], [inputs.cell], least=least_scale(frame))
    agreed = _agreement(frame, inputs.cell, usual.centre) >= MIN_AGREEMENT
    study_in_cell = frame["study"] + "\0" + inputs.cell
    by_study = study_score(_log_ratio(usual, y), study_in_cell)
    score = study_in_cell.map(by_study).to_numpy(float)
    middle = pd.Series(usual.z(y), frame.index).groupby(study_in_cell).median().abs()
    distant = study_in_cell.map(middle).to_numpy(float) >= MIN_DISTANCE
    opposite = usual.centre * y < 0
    inverted = (score >= MIN_LOG_RATIO) & distant & agreed & opposite
    for study in frame["study"][inverted].unique():
        title = f"The effects of a study have the opposite sign of their cell: study {study}"
        selected = inverted & (frame["study"] == study).to_numpy()
        labels = {"code": "direction-study", "title": title}
        yield _inverted(inputs, selected, score, usual.centre, labels)


def inverted_outcomes(inputs: LintInput) -> Findings:
    """Find outcomes with effects that lie, in most studies, opposite to the rest of their cell."""
    kinds = (inputs.kinds(*names) for names in OUTCOME_COLUMNS)
    outcome = next((kind for kind in kinds if kind is not None), None)
    if outcome is None:
        return
    frame = inputs.frame
    outcome_in_cell = inputs.cell + "\0" + outcome
    log_ratio, centre = _against_other_outcomes(inputs, outcome_in_cell)
    here = frame["study"] + "\0" + outcome_in_cell
    by_study = study_score(log_ratio, here).groupby(lambda label: label.split("\0", 1)[1])
    score = outcome_in_cell.map(by_study.sum()).to_numpy(float)
    share = by_study.agg(lambda scores: (scores > 0).mean())
    agreed = outcome_in_cell.map(share).to_numpy(float) >= MIN_AGREEMENT
    inverted = (score >= MIN_LOG_RATIO) & agreed & np.isfinite(log_ratio)
    title = "The effects of an outcome lie opposite to the rest of their cell in most studies: {}"
    for label in outcome_in_cell[inverted].unique():
        selected = inverted & (outcome_in_cell == label).to_numpy()
        labels = {"code": "direction-outcome", "title": title.format(label.split("\0")[1])}
        yield _inverted(inputs, selected, score, centre, labels)


def _against_other_outcomes(
    inputs: LintInput, outcome_in_cell: "pd.Series[str]"
) -> tuple[np.ndarray, np.ndarray]:
    """Return the log likelihood ratio of every effect and the centre of the other outcomes (k,)."""
    frame = inputs.frame
    y = frame["yi"].to_numpy()
    everything = pd.Series("", frame.index)
    log_ratio, centre = np.full((2, len(y)), np.nan)
    for label in outcome_in_cell.unique():
        judged = (outcome_in_cell == label).to_numpy()
        others = (inputs.cell == inputs.cell[judged].iloc[0]).to_numpy() & ~judged
        if frame["study"][judged].nunique() < MIN_STUDIES:
            continue
        # the outcome takes the place of a study: the studies with other outcomes judge it
        values = np.where(judged | others, y, np.nan)
        study = frame["study"].where(~judged, "\0")
        usual = usual_of(values, study, [everything], least=least_scale(frame))
        log_ratio[judged] = _log_ratio(usual, y)[judged]
        centre[judged] = usual.centre[judged]
    return log_ratio, centre


def _log_ratio(usual: Usual, y: np.ndarray) -> np.ndarray:
    return usual.log_density(-y) - usual.log_density(y)


def _agreement(frame: pd.DataFrame, cell: "pd.Series[str]", centre: np.ndarray) -> np.ndarray:
    """Return the share of the other studies of the cell with a median on the centre's side (k,)."""
    middle = frame.groupby([cell, frame["study"]])["yi"].median()
    share = np.full(len(frame), np.nan)
    for position, (label, study) in enumerate(zip(cell, frame["study"], strict=True)):
        others = middle[label].drop(study)
        if len(others):
            share[position] = (others * centre[position] > 0).mean()
    return share


def _inverted(
    inputs: LintInput, selected: Any, score: np.ndarray, centre: np.ndarray, labels: dict[str, str]
) -> Finding:
    frame = inputs.frame
    corrected = frame.assign(yi=frame["yi"].where(~selected, -frame["yi"]))
    corrected.attrs = frame.attrs
    largest = float(score[selected].max())
    return Finding(
        rank=2,
        **labels,
        evidence=largest,
        measure="log likelihood ratio, the other sign against this sign",
        why=WHY,
        advice=ADVICE,
        rows=rows_of(frame, selected, frame["yi"], centre),
        remedy=Remedy("signs of these effects reversed", corrected, inputs.spec),
        priority=largest,
    )
