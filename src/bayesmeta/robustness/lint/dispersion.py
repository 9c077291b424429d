"""Standard errors typed as standard deviations, detected from the numbers alone.

Three traces of the same mistake, as log likelihood ratios of "it is a standard error" against "it
is a standard deviation", given the usual values in the other studies of the family:

    dispersion   log(sd / mean) is low by log sqrt(n)
    size         g is sqrt(n) times too large for its cell
    arms         log(sd1 / sd2) is off by log sqrt(n2 / n1)

They are added per effect and combined by study.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bayesmeta.data.corrections import with_sds_of_sems
from bayesmeta.data.effect_sizes import MEASURES, TWO_GROUPS
from bayesmeta.robustness.lint.families import least_scale, study_score, usual_of
from bayesmeta.robustness.lint.findings import Finding, Findings, LintInput, Remedy, rows_of

CERTAIN = float(np.log(1000))
LIKELY = float(np.log(20))
EXTREME = 3.0  # scales of the cell beyond which |g| is extreme
COLUMNS = ("task outcome", "task phase", "measure_kind phase", "task", "measure_kind")
FAMILIES = [names.split() for names in COLUMNS]  # the narrowest first
MIN_LOG_SCALE = 0.1  # lower bound of the scale of a logarithm: 10 % between studies
WHY = (
    "a standard error is sqrt(n) times smaller than the standard deviation, so that g is sqrt(n) "
    "times too large and its sampling variance far too small for its distance from the rest"
)
ADVICE = (
    "look up the dispersion in the paper (figure legends say mean ± SEM); if it is a SEM, enter "
    "SD = SEM sqrt(n); until then report both sets of conclusions"
)


class Traces(NamedTuple):
    """Log likelihood ratios of every effect (k,), and the numbers behind them."""

    dispersion: np.ndarray
    size: np.ndarray
    arms: np.ndarray
    z_g: np.ndarray  # distance of g from its cell, in scales of the cell
    z_read: np.ndarray  # the same if the SD is read as a SEM
    sd: np.ndarray  # of both groups together
    sd_usual: np.ndarray  # the value of its family at these means


def sems_as_sds(inputs: LintInput) -> Findings:
    """Find studies with SDs that look like SEMs; none if yi are not SMDs of the raw numbers."""
    frame = inputs.frame
    possible = is_smd(frame)
    if not possible.any():
        return
    traces = traces_of(inputs)
    evidence = np.where(possible, sum(np.nan_to_num(part) for part in traces[:3]), np.nan)
    sources = [name for name in ("sd1i_source", "sd2i_source") if name in frame]
    from_sem = (frame[sources] == "SEM").any(axis=1).to_numpy()  # computed, so no SEM itself
    typed, computed = (np.where(rows, evidence, np.nan) for rows in (~from_sem, from_sem))
    yield from _sem_as_sd(inputs, typed, traces)
    yield from _too_small(inputs, computed, traces)


def is_smd(frame: pd.DataFrame) -> np.ndarray:
    """Return whether |yi| is Hedges' g of the raw numbers (k,)."""
    raw = frame[list(TWO_GROUPS)]
    sds = raw[["sd1i", "sd2i"]]
    positive = (sds >= 0).all(axis=1) & (sds.sum(axis=1) > 0)
    sized = (raw[["n1i", "n2i"]] >= 2).all(axis=1)
    usable = (raw.notna().all(axis=1) & positive & sized).to_numpy()
    g = np.full(len(frame), np.nan)
    columns: dict[str, ArrayLike] = {name: raw.loc[usable, name] for name in TWO_GROUPS}
    g[usable] = MEASURES["SMD"](vtype="LS", rows=None, **columns)[0]
    # tables are often rounded to two decimals
    return np.isclose(np.abs(g), np.abs(frame["yi"].to_numpy()), rtol=0.01, atol=0.005)


def traces_of(inputs: LintInput) -> Traces:
    """Return the traces of every effect; nan for an effect that cannot be judged."""
    frame = inputs.frame
    study = frame["study"]
    kinds = [kind for names in FAMILIES if (kind := inputs.kinds(*names)) is not None]
    everything = pd.Series("", frame.index)
    n1 = frame["n1i"].to_numpy(float)
    n2 = inputs.reported.to_numpy(float)
    sd1, sd2, y = (frame[name].to_numpy(float) for name in ("sd1i", "sd2i", "yi"))
    sd = _pooled(frame, sd1, sd2)
    sd_read = _pooled(frame, sd1 * np.sqrt(n1), sd2 * np.sqrt(n2))
    mean = ((frame["m1i"].abs() + frame["m2i"].abs()) / 2).to_numpy()
    with np.errstate(all="ignore"):
        log_cv = _finite(np.log(sd / mean))
        factor = sd_read / sd
        log_arms = _finite(np.log(sd1 / sd2))
        log_arms_read = log_arms + np.log(n1 / n2) / 2
    y_read = y / factor
    cvs = usual_of(log_cv, study, [*kinds, inputs.cell, everything], least=MIN_LOG_SCALE)
    effects = usual_of(y, study, [inputs.cell, everything], least=least_scale(frame))
    arms = usual_of(log_arms, study, [everything], least=MIN_LOG_SCALE)
    arms = arms._replace(centre=np.zeros(len(y)))
    return Traces(
        dispersion=cvs.log_density(log_cv + np.log(factor)) - cvs.log_density(log_cv),
        size=effects.log_density(y_read) - effects.log_density(y) - np.log(factor),
        arms=arms.log_density(log_arms_read) - arms.log_density(log_arms),
        z_g=effects.z(y),
        z_read=effects.z(y_read),
        sd=sd,
        sd_usual=np.exp(cvs.centre) * mean,
    )


def _pooled(frame: pd.DataFrame, sd1: np.ndarray, sd2: np.ndarray) -> np.ndarray:
    df1, df2 = (frame[size].to_numpy() - 1 for size in ("n1i", "n2i"))
    return np.sqrt((df1 * sd1**2 + df2 * sd2**2) / (df1 + df2))


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)


def _sem_as_sd(inputs: LintInput, evidence: np.ndarray, traces: Traces) -> Findings:
    frame = inputs.frame
    study = frame["study"]
    judged = np.isfinite(evidence)
    numbers = pd.DataFrame(traces._asdict(), study.index)
    medians = numbers[judged].groupby(study[judged]).median()
    score = study_score(evidence, study)
    for name in score.index[score >= LIKELY]:
        median = medians.loc[name]
        rows = ((study == name) & judged).to_numpy()
        extreme = abs(median["z_g"]) >= EXTREME
        certain = score[name] >= CERTAIN and extreme and not median["dispersion"] < 0
        corrected = with_sds_of_sems(frame, pd.Series(rows, frame.index))
        doubt = "" if certain else ", perhaps"
        yield Finding(
            rank=1 if certain else 2,
            code="sem-as-sd",
            title=f"Standard errors typed as standard deviations{doubt}: study {name}",
            evidence=float(score[name]),
            measure=_measure(median),
            why=WHY,
            advice=ADVICE,
            rows=rows_of(frame, rows, traces.sd, traces.sd_usual),
            remedy=Remedy("SDs read as SEMs and converted to SDs", corrected, inputs.spec),
            priority=abs(float(median["z_g"])),
        )


def _too_small(inputs: LintInput, evidence: np.ndarray, traces: Traces) -> Findings:
    study = inputs.frame["study"]
    score = study_score(evidence, study)
    selected = (study.map(score) >= LIKELY).to_numpy() & np.isfinite(evidence)
    if not selected.any():
        return
    yield Finding(
        rank=2,
        code="sd-too-small",
        title="Standard deviations too small by about sqrt(n), although they were computed "
        "from standard errors",
        evidence=float(score.max()),
        measure="largest log likelihood ratio of a study, too small by sqrt(n) against right",
        why="the SEM itself, or the n it was multiplied with, may be wrong; g is then far too "
        "large",
        advice="look up the dispersion and n in the papers",
        rows=rows_of(inputs.frame, selected, traces.sd, traces.sd_usual),
    )


def _measure(median: "pd.Series[float]") -> str:
    ratio = median["sd"] / median["sd_usual"]
    sd = f"; the SD is {ratio:.2g} of the usual SD of its family" if np.isfinite(ratio) else ""
    return (
        f"log likelihood ratio, SEM against SD; median effect: g {abs(median['z_g']):.1f} scales "
        f"from the middle of its cell, {abs(median['z_read']):.1f} if the SDs are SEMs{sd}"
    )
