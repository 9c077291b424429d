"""Conclusions of Egger's test, influence and cross-validation by effects instead of studies."""

import numpy as np

from bayesmeta.inference.reml import Reml
from bayesmeta.robustness.funnel import egger_table
from bayesmeta.robustness.influence import influence_table, study_influence
from bayesmeta.robustness.influence.coverage import effects_of
from bayesmeta.robustness.lint.findings import ROWS, Finding, Findings, LintInput

ALPHA = 0.05
MIN_DESIGN_EFFECT = 2.0  # above, effects of a study are far from independent


def egger_level(inputs: LintInput) -> Findings:
    """Compare Egger's test with every effect as a study to the nested test."""
    for stratum, fit in _nested(inputs).items():
        table = egger_table(fit.design, fit.spec)
        single, nested = (table.iloc[row] for row in (0, -1))
        differs = bool((single["pval"] < ALPHA) != (nested["pval"] < ALPHA))
        verdict = "disagrees" if differs else "happens to agree"
        yield Finding(
            rank=2 if differs else 3,
            code="egger-level",
            title="Egger's test at the level of effects "
            f"{verdict} with the nested test{_among(stratum)}",
            evidence=float(single["zval"]),
            measure="z of the slope, single-level on sei; "
            f"nested on {nested['precision']}: {nested['zval']:.2f}, "
            f"P {nested['pval']:.2g} against {single['pval']:.2g}",
            why="effects of a study share their subjects and their true value, so that a study "
            "with many effects makes a slope significant; besides, the slope of SMDs on sei is "
            "partly arithmetic",
            advice="use the nested test, on sqrt(1/n1 + 1/n2) if sizes are available; do not "
            "rely on funnels of effects",
            priority=abs(float(single["zval"] - nested["zval"])),
        )


def influence_level(inputs: LintInput) -> Findings:
    """Compare influence by effects in a single-level fit with influence by studies, nested."""
    group = inputs.frame.set_index("effect")["group"]
    for stratum, fit in _nested(inputs).items():
        effects = influence_table(fit.design)
        studies = study_influence(fit.design, fit.tau, rho=fit.spec.rho)
        removed = effects[effects["removed"]].rename(columns={"rstudent": "value"})
        by_effect = set(removed["study"])
        by_study = set(studies.loc[studies["influential"], "study"])
        if by_effect == by_study:
            continue
        rows = removed.assign(group=removed["effect"].map(group), usual="within 1.96")
        yield Finding(
            rank=2 if by_study - by_effect else 3,
            code="influence-level",
            title="Influence by effects and influence by studies name different studies"
            f"{_among(stratum)}",
            evidence=float(len(by_effect ^ by_study)),
            measure="studies on which they differ: "
            f"only by effects {_named(by_effect - by_study)}; "
            f"only by studies {_named(by_study - by_effect)}",
            why="effects of a study with correlated errors mask each other, since leaving out "
            "a single effect changes nothing; and an outlying effect seems to matter although "
            "the rest of its study outweighs it",
            advice="leave out entire studies",
            rows=rows[ROWS],
            priority=float(len(by_study - by_effect)),
        )


def validation_level(inputs: LintInput) -> Findings:
    """Count the independent effects: cross-validation by effects leaks the others."""
    fits = _nested(inputs).values()
    if not fits:
        return
    k = len(inputs.frame)
    independent = 0.0
    for fit in fits:
        shared = float((fit.tau.drop("effect") ** 2).sum())
        total = float((fit.tau**2).sum())
        share = shared / (total + float(fit.design["vi"].median()))
        size = effects_of(fit.design)
        independent += float(np.sum(size / (1 + (size - 1) * share)))
    inflation = k / independent
    per_study = k / inputs.frame["study"].nunique()
    yield Finding(
        rank=2 if inflation >= MIN_DESIGN_EFFECT else 3,
        code="validation-level",
        title="Cross-validation by effects would leak: effects of a study predict each other",
        evidence=inflation,
        measure=f"design effect: {k} effects are worth {independent:.0f} independent effects; "
        f"{per_study:.1f} effects per study",
        why="an effect that is left out is predicted by the other effects of its study, so "
        "that models which memorise studies look best",
        advice="leave out entire studies (`bayesmeta compare` does)",
    )


def _nested(inputs: LintInput) -> dict[str, Reml]:
    """Return nested fits by stratum; none where every study has a single effect."""
    return inputs.nested if inputs.frame["study"].duplicated().any() else {}


def _among(stratum: str) -> str:
    return f" ({stratum})" if stratum else ""


def _named(studies: set[str]) -> str:
    return ", ".join(sorted(studies)) or "none"
