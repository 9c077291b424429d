"""Every conclusion with a problem and without it: refits with the remedies of the findings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.data.corrections import with_sds_of_sems
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.jobs import Job
from bayesmeta.robustness.lint.dispersion import sems_as_sds
from bayesmeta.robustness.lint.findings import Finding, LintInput, Remedy
from bayesmeta.robustness.multiverse import Alternative, Analysis, Version, integrated, version_of
from bayesmeta.robustness.multiverse.changes import unchanged

AS_IS = "as it is"
ALL = "all"  # standard errors of the first rank together
SEM_AS_SD = "sem-as-sd"
NUMBERS = ["mean", "ci_lb", "ci_ub"]
LABELS = ["finding", "code", "studies", "remedy", "contrast"]
WITHOUT = [f"{name}_without" for name in NUMBERS]
COLUMNS = [*LABELS, *NUMBERS, *WITHOUT, "shift", "changed", "log_bayes_factor"]
SIDES = {1.0: "above zero", -1.0: "below zero", 0.0: "open"}


def remedies_of(inputs: LintInput, findings: Sequence[Finding]) -> dict[str, Remedy]:
    """Return the remedies by number of the finding, and the remedy of `ALL` if it is another."""
    numbered = enumerate(findings, 1)
    remedies = {str(number): finding.remedy for number, finding in numbered if finding.remedy}
    certain = _certain_sems(findings)
    return remedies | {ALL: _together(inputs, certain)} if len(certain) > 1 else remedies


def remedy_of_sems(inputs: LintInput) -> Remedy | None:
    """Return the remedy of the standard errors of the first rank together; None without any.

    It makes no other check, and takes a fraction of a second for 1,000 effects.
    """
    if not inputs.raw:
        return None
    try:
        certain = _certain_sems(list(sems_as_sds(inputs)))
    except BadInput:
        return None
    return _together(inputs, certain) if certain else None


def _together(inputs: LintInput, certain: Sequence[Finding]) -> Remedy:
    """Return the analysis with the SDs of all of these findings read as SEMs."""
    effects = pd.concat([finding.rows["effect"] for finding in certain])
    frame = with_sds_of_sems(inputs.frame, inputs.frame["effect"].isin(effects))
    return Remedy("all SEMs of the first rank converted to SDs", frame, inputs.spec)


def _certain_sems(findings: Sequence[Finding]) -> list[Finding]:
    """Return the standard errors of the first rank."""
    return [finding for finding in findings if finding.rank == 1 and finding.code == SEM_AS_SD]


def versions_of(
    inputs: LintInput, remedies: Mapping[str, Remedy], conclusions: xr.DataArray
) -> dict[str, Version]:
    """Return the analyses to fit, by name; `conclusions` (contrast, term) as `named_weights`."""
    analysis = Analysis(inputs.frame, inputs.spec, conclusions)
    variants = {AS_IS: Remedy(AS_IS, inputs.frame, inputs.spec), **remedies}
    for name, remedy in remedies.items():
        if remedy.against is not None:
            variants[f"{name}, {AS_IS}"] = replace(remedy, frame=inputs.frame, spec=remedy.against)
    versions = {}
    for name, remedy in variants.items():
        alternative = Alternative(name, "data", name, remedy.what, unchanged)
        versions[name] = version_of(analysis, alternative, remedy.frame, remedy.spec)
    return versions


def jobs_of(versions: Mapping[str, Version]) -> list[Job]:
    """Return a refit by quadrature of every version that can be coded."""
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
    """Return every conclusion with every problem and without it.

    Columns: finding (its number, or `all`), code, studies, remedy, contrast, mean, ci_lb, ci_ub (as
    it is), mean_without, ci_lb_without, ci_ub_without (95 % equal-tailed), shift (of the mean, in
    posterior sds as it is), changed (the change of the side of zero; "" for none), log_bayes_factor
    (of the remedy; nan where the data differ).
    """
    tables = []
    for name, remedy in remedies.items():
        base = AS_IS if remedy.against is None else f"{name}, {AS_IS}"
        if not {name, base} <= set(fitted):
            continue
        concerned = _certain_sems(findings) if name == ALL else [findings[int(name) - 1]]
        studies = " ".join(study for finding in concerned for study in finding.studies)
        table = _compared(fitted[base], fitted[name], same_data=not versions[name].data)
        labels = {"code": concerned[0].code, "studies": studies, "remedy": remedy.what}
        tables.append(table.assign(finding=name, **labels)[COLUMNS])
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def _compared(old: pd.DataFrame, new: pd.DataFrame, *, same_data: bool) -> pd.DataFrame:
    """Return every conclusion of a fit beside that of the fit without the problem."""
    without = new.set_index("contrast").reindex(old["contrast"]).reset_index()
    sides = zip(_sides(old), _sides(without), strict=True)
    table = old[["contrast", *NUMBERS]].join(without[NUMBERS].add_suffix("_without"))
    factor = without["log_evidence"] - old["log_evidence"] if same_data else np.nan
    return table.assign(
        shift=(without["mean"] - old["mean"]) / old["sd"],
        changed=[changed(before, after) for before, after in sides],
        log_bayes_factor=factor,
    )


def _sides(table: pd.DataFrame) -> np.ndarray:
    """Return 1, -1 or 0 for an interval above, below or around zero; nan for no interval."""
    side = np.where(table["ci_lb"] > 0, 1.0, np.where(table["ci_ub"] < 0, -1.0, 0.0))
    return np.where(table["mean"].isna(), np.nan, side)


def changed(old: float, new: float) -> str:
    """Describe the change of a conclusion from side to side; sides as from `_sides`."""
    if np.isnan(new):
        return "no data left"
    return "" if old == new else f"{SIDES[old]} → {SIDES[new]}"
