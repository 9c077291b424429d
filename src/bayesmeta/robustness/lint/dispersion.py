"""Standard errors typed as standard deviations, found from the numbers alone.

Three traces of the same mistake, each as a log likelihood ratio of "it is a standard error" against "it is a standard
deviation", given what is usual in the other studies of its family:

    spread   log(sd / mean) is low by log sqrt(n)
    size     g is sqrt(n) times too large for its cell
    arms     log(sd1 / sd2) is off by log sqrt(n2 / n1)

They are added per effect and taken together by study.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bayesmeta.data.corrections import with_sds_of_sems
from bayesmeta.data.effect_sizes import MEASURES, TWO_GROUPS
from bayesmeta.robustness.lint.families import study_score, usual_of
from bayesmeta.robustness.lint.findings import Finding, Remedy, Subject, rows_of

CERTAIN, LIKELY = float(np.log(1000)), float(np.log(20))
FAR = 3.0  # spreads of the cell: from here on |g| is extreme
FAMILIES = (("task", "outcome"), ("task", "phase"), ("measure_kind", "phase"), ("task",), ("measure_kind",))
LEAST_LOG = 0.1  # least believed spread of a logarithm
WHY = (
    "a standard error is sqrt(n) times smaller than the standard deviation, so g comes out sqrt(n) times too large and "
    "its sampling variance far too small for its distance from the rest"
)
ADVICE = (
    "look the dispersion up in the paper (figure legends say mean ± SEM); if it is a SEM, enter SD = SEM sqrt(n); "
    "until then report the conclusions both ways"
)


class Traces(NamedTuple):
    """Of each effect (k,): the three log likelihood ratios, and what they rest on.

    z_g and z_read : distance of g from its cell, as it is and read as a SEM, in spreads of the cell.
    sd, sd_usual : of the two groups together, and what its family would have at these means.
    """

    spread: np.ndarray
    size: np.ndarray
    arms: np.ndarray
    z_g: np.ndarray
    z_read: np.ndarray
    sd: np.ndarray
    sd_usual: np.ndarray


def sems_as_sds(subject: Subject) -> list[Finding]:
    """Studies whose SDs look like SEMs; a table whose yi are not SMDs of its raw numbers gives none."""
    frame = subject.frame
    possible = is_smd(frame)
    if not possible.any():
        return []
    traces = traces_of(subject)
    evidence = np.where(possible, sum(np.nan_to_num(part) for part in traces[:3]), np.nan)
    from_sem = computed_from_sem(frame)
    return [
        finding
        for rows, made in ((possible & ~from_sem, _sem_as_sd), (possible & from_sem, _too_small))
        for finding in made(subject, np.where(rows, evidence, np.nan), traces)
    ]


def is_smd(frame: pd.DataFrame) -> np.ndarray:
    """Whether |yi| is Hedges' g of the raw numbers, (k,)."""
    raw = frame[list(TWO_GROUPS)]
    possible = raw.notna().all(axis=1) & (raw[["sd1i", "sd2i"]] >= 0).all(axis=1) & (raw["sd1i"] + raw["sd2i"] > 0)
    known = (possible & (raw[["n1i", "n2i"]] >= 2).all(axis=1)).to_numpy()
    g = np.full(len(frame), np.nan)
    columns: dict[str, ArrayLike] = {name: raw.loc[known, name] for name in TWO_GROUPS}
    g[known] = MEASURES["SMD"](vtype="LS", rows=None, **columns)[0]
    same: np.ndarray = np.isclose(np.abs(g), np.abs(frame["yi"].to_numpy()), rtol=0.01, atol=0.005)
    return same


def computed_from_sem(frame: pd.DataFrame) -> np.ndarray:
    """Whether the table says that an SD was computed from a SEM, (k,): then it cannot be one."""
    sources = [name for name in ("sd1i_source", "sd2i_source") if name in frame]
    said: np.ndarray = (frame[sources] == "SEM").any(axis=1).to_numpy()
    return said


def traces_of(subject: Subject) -> Traces:
    """The traces of every effect; what cannot be judged is nan."""
    frame, study = subject.frame, subject.frame["study"]
    kinds = [kind for names in FAMILIES if (kind := subject.kinds(*names)) is not None]
    cell, everything = subject.cell, pd.Series("", frame.index)
    n1 = frame["n1i"].to_numpy(float)
    n2 = subject.reported.to_numpy(float)
    sd1, sd2, y = (frame[name].to_numpy(float) for name in ("sd1i", "sd2i", "yi"))
    own, read = _pooled(frame, sd1, sd2), _pooled(frame, sd1 * np.sqrt(n1), sd2 * np.sqrt(n2))
    mean = ((frame["m1i"].abs() + frame["m2i"].abs()) / 2).to_numpy()
    with np.errstate(all="ignore"):
        spread, factor = _finite(np.log(own / mean)), read / own
        arms = _finite(np.log(sd1 / sd2))
        arms_read = arms + np.log(n1 / n2) / 2
    y_read = y / factor
    in_kind = usual_of(spread, study, [*kinds, cell, everything], least=LEAST_LOG)
    in_cell = usual_of(y, study, [cell, everything], least=float(np.sqrt(frame["vi"].median())) / 2)
    among_all = usual_of(arms, study, [everything], least=LEAST_LOG)._replace(centre=np.zeros(len(y)))
    return Traces(
        in_kind.log_density(spread + np.log(factor)) - in_kind.log_density(spread),
        in_cell.log_density(y_read) - in_cell.log_density(y) - np.log(factor),
        among_all.log_density(arms_read) - among_all.log_density(arms),
        in_cell.z(y),
        in_cell.z(y_read),
        own,
        np.exp(in_kind.centre) * mean,
    )


def _pooled(frame: pd.DataFrame, sd1: np.ndarray, sd2: np.ndarray) -> np.ndarray:
    one, two = frame["n1i"].to_numpy() - 1, frame["n2i"].to_numpy() - 1
    pooled: np.ndarray = np.sqrt((one * sd1**2 + two * sd2**2) / (one + two))
    return pooled


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)


def _sem_as_sd(subject: Subject, evidence: np.ndarray, traces: Traces) -> list[Finding]:
    frame, study = subject.frame, subject.frame["study"]
    middle = _by_study(study, evidence, traces)
    score = study_score(evidence, study)
    findings = []
    for name in score.index[score >= LIKELY]:
        at, rows = middle.loc[name], ((study == name) & np.isfinite(evidence)).to_numpy()
        certain = score[name] >= CERTAIN and abs(at["z_g"]) >= FAR and not at["spread"] < 0
        findings.append(
            Finding(
                rank=1 if certain else 2,
                code="sem-as-sd",
                title=f"Standard errors typed as standard deviations{'' if certain else ', perhaps'}: study {name}",
                evidence=float(score[name]),
                measure=_measure(at),
                why=WHY,
                advice=ADVICE,
                rows=rows_of(frame, rows, traces.sd, traces.sd_usual),
                remedy=Remedy(
                    "SDs read as SEMs and turned into SDs",
                    with_sds_of_sems(frame, pd.Series(rows, frame.index)),
                    subject.spec,
                ),
                weight=abs(float(at["z_g"])),
            )
        )
    return findings


def _too_small(subject: Subject, evidence: np.ndarray, traces: Traces) -> list[Finding]:
    study, score = subject.frame["study"], study_score(evidence, subject.frame["study"])
    which = (study.map(score) >= LIKELY).to_numpy() & np.isfinite(evidence)
    if not which.any():
        return []
    return [
        Finding(
            rank=2,
            code="sd-too-small",
            title="Standard deviations too small by about sqrt(n), although they were computed from standard errors",
            evidence=float(score.max()),
            measure="largest log likelihood ratio of a study, too small by sqrt(n) against right",
            why="the SEM itself, or the n it was multiplied with, may be wrong; g is then far too large",
            advice="look the dispersion and n up in the papers",
            rows=rows_of(subject.frame, which, traces.sd, traces.sd_usual),
        )
    ]


def _by_study(study: "pd.Series[str]", evidence: np.ndarray, traces: Traces) -> pd.DataFrame:
    """Medians over the judged effects of each study."""
    judged = np.isfinite(evidence)
    return pd.DataFrame(traces._asdict(), study.index)[judged].groupby(study[judged]).median()


def _measure(at: "pd.Series[float]") -> str:
    ratio = at["sd"] / at["sd_usual"]
    sd = f"; the SD is {ratio:.2g} of what its family has" if np.isfinite(ratio) else ""
    return (
        f"log likelihood ratio, SEM against SD; median effect: g {abs(at['z_g']):.1f} spreads from the middle of its "
        f"cell, {abs(at['z_read']):.1f} if the SDs are SEMs{sd}"
    )
