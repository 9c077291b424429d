"""Each conclusion with a problem and without it: the analysis as it is, and refitted with the remedy of a finding."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.data.corrections import with_sds_of_sems
from bayesmeta.infrastructure.jobs import Job
from bayesmeta.model.design.contrasts import contrast_weights, possible_weights
from bayesmeta.robustness.lint.findings import Finding, Remedy, Subject
from bayesmeta.robustness.multiverse import Alternative, Question, Version, integrated, version_of
from bayesmeta.robustness.multiverse.changes import unchanged

AS_IS = "as it is"
ALL = "all"  # of the first rank's standard errors together
KEPT = ["mean", "ci_lb", "ci_ub"]
COLUMNS = ["finding", "code", "studies", "remedy", "contrast", *KEPT, *(f"{name}_without" for name in KEPT)]
COLUMNS += ["shift", "changed", "log_bayes_factor"]


def conclusions_of(subject: Subject, dataset: str) -> xr.DataArray:
    """Weights of every term and of the model's contrasts, dims (contrast, term)."""
    terms = [str(term) for term in subject.design["term"].values]
    named = possible_weights(subject.spec.contrasts_of(dataset), terms)
    return xr.concat([contrast_weights({term: term for term in terms}, terms), named], dim="contrast")


def remedies_of(subject: Subject, findings: Sequence[Finding]) -> dict[str, Remedy]:
    """By the finding's number, its remedy; and all standard errors of the first rank at once, where there are more."""
    each = {str(number): one.remedy for number, one in enumerate(findings, 1) if one.remedy is not None}
    sure = [one for one in findings if one.rank == 1 and one.code == "sem-as-sd"]
    if len(sure) < 2:
        return each
    effects = pd.concat([one.rows["effect"] for one in sure])
    frame = with_sds_of_sems(subject.frame, subject.frame["effect"].isin(effects))
    return each | {ALL: Remedy("all SEMs of the first rank turned into SDs", frame, subject.spec)}


def versions_of(subject: Subject, remedies: Mapping[str, Remedy], conclusions: xr.DataArray) -> dict[str, Version]:
    """By name, each analysis to be fitted: as it is, with each remedy, and what a remedy is set against."""
    question = Question(subject.frame, subject.spec, conclusions, record=subject.frame)
    wanted = {AS_IS: Remedy(AS_IS, subject.frame, subject.spec)}
    for name, remedy in remedies.items():
        wanted[name] = remedy
        if remedy.against is not None:
            wanted[against(name)] = replace(remedy, frame=subject.frame, spec=remedy.against)
    return {
        name: version_of(question, Alternative(name, "data", name, remedy.what, unchanged), remedy.frame, remedy.spec)
        for name, remedy in wanted.items()
    }


def against(name: str) -> str:
    """Name of the analysis that a remedy is set against."""
    return f"{name}, {AS_IS}"


def jobs_of(versions: Mapping[str, Version]) -> list[Job]:
    """A refit by quadrature of every version that can be coded."""
    return [
        Job(name, integrated, (version.design, version.spec, version.weights))
        for name, version in versions.items()
        if version.weights is not None
    ]


def refits_table(
    findings: Sequence[Finding],
    remedies: Mapping[str, Remedy],
    versions: Mapping[str, Version],
    fitted: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Every conclusion with each problem and without it.

    Returns
    -------
    DataFrame
        finding (its number, or `all`), code, studies, remedy, contrast, mean, ci_lb, ci_ub (as it is), mean_without,
        ci_lb_without, ci_ub_without (95 % equal-tailed), shift (of the mean, in posterior sds as it is), changed (what
        becomes of the side of zero; "" for nothing), log_bayes_factor (of the remedy; nan where the data differ).
    """
    tables = [
        _of_remedy(name, remedy, fitted[_base(name, remedy)], fitted[name], _words(name, findings))
        for name, remedy in remedies.items()
        if name in fitted and _base(name, remedy) in fitted
    ]
    same = {name: not versions[name].data for name in remedies}
    rows = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)
    return rows.assign(log_bayes_factor=rows["log_bayes_factor"].where(rows["finding"].map(same).eq(True)))


def _base(name: str, remedy: Remedy) -> str:
    return AS_IS if remedy.against is None else against(name)


def _words(name: str, findings: Sequence[Finding]) -> dict[str, str]:
    if name == ALL:
        sure = [one for one in findings if one.rank == 1 and one.code == "sem-as-sd"]
        return {"code": "sem-as-sd", "studies": " ".join(study for one in sure for study in one.studies)}
    one = findings[int(name) - 1]
    return {"code": one.code, "studies": " ".join(one.studies)}


def _of_remedy(
    name: str, remedy: Remedy, old: pd.DataFrame, new: pd.DataFrame, words: Mapping[str, str]
) -> pd.DataFrame:
    other = new.set_index("contrast").reindex(old["contrast"]).reset_index()
    return pd.DataFrame(
        {"finding": name, **words, "remedy": remedy.what, "contrast": old["contrast"]}
        | {column: old[column] for column in KEPT}
        | {f"{column}_without": other[column] for column in KEPT}
        | {
            "shift": (other["mean"] - old["mean"]) / old["sd"],
            "changed": [changed(one, two) for one, two in zip(_sides(old), _sides(other), strict=True)],
            "log_bayes_factor": other["log_evidence"] - old["log_evidence"],
        }
    )


def _sides(table: pd.DataFrame) -> np.ndarray:
    """1 and -1 where the interval is above and below zero, 0 where it holds zero, nan where there is none."""
    side = np.where(table["ci_lb"] > 0, 1.0, np.where(table["ci_ub"] < 0, -1.0, 0.0))
    return np.where(table["mean"].isna(), np.nan, side)


def changed(old: float, new: float) -> str:
    """In words, what becomes of a conclusion whose interval was and is above (1), below (-1) or around (0) zero."""
    if np.isnan(new):
        return "no data left"
    if old == new:
        return ""
    side = {1.0: "above zero", -1.0: "below zero", 0.0: "open"}
    return f"{side[old]} → {side[new]}"
