"""What Egger's test, influence and cross-validation would conclude at the level of effects instead of studies."""

import numpy as np

from bayesmeta.robustness.funnel import egger_table
from bayesmeta.robustness.influence import influence_table, study_influence
from bayesmeta.robustness.lint.findings import ROWS, Finding, Subject

ALPHA = 0.05
DEPENDENT = 2.0  # design effect: from here on a study's effects are far from independent


def egger_level(subject: Subject) -> list[Finding]:
    """Egger's test as if each effect were a study, against the nested one."""
    if not _several(subject):
        return []
    found = []
    for name, fit in subject.nested.items():
        table = egger_table(fit.design, fit.spec)
        single, nested = table.iloc[0], table.iloc[-1]
        parts = bool((single["pval"] < ALPHA) != (nested["pval"] < ALPHA))
        found.append(
            Finding(
                rank=2 if parts else 3,
                code="egger-level",
                title="Egger's test at the level of effects "
                f"{'concludes otherwise than' if parts else 'happens to agree with'} the nested one{_among(name)}",
                evidence=float(single["zval"]),
                measure=f"z of the slope, single-level on sei; nested on {nested['precision']}: {nested['zval']:.2f}, "
                f"P {nested['pval']:.2g} against {single['pval']:.2g}",
                why="effects of a study share their subjects and their true value, so that one study with many effects "
                "makes a slope significant; on sei the slope of SMDs is partly arithmetic besides",
                advice="use the nested test, on sqrt(1/n1 + 1/n2) where sizes are known; mistrust funnels of effects",
                weight=abs(float(single["zval"] - nested["zval"])),
            )
        )
    return found


def influence_level(subject: Subject) -> list[Finding]:
    """Effects that influence a single-level fit, against studies that influence the nested one."""
    if not _several(subject):
        return []
    found = []
    for name, fit in subject.nested.items():
        effects = influence_table(fit.design)
        studies = study_influence(fit.design, fit.tau, rho=fit.spec.rho)
        removed = effects[effects["removed"]]
        hit, moved = set(removed["study"]), set(studies.loc[studies["influential"], "study"])
        if hit == moved:
            continue
        group = removed["effect"].map(subject.frame.set_index("effect")["group"])
        found.append(
            Finding(
                rank=2 if moved - hit else 3,
                code="influence-level",
                title=f"Influence judged effect by effect names other studies than study by study{_among(name)}",
                evidence=float(len(hit ^ moved)),
                measure=f"studies on which they differ: effects alone name {_named(hit - moved)}; whole studies alone "
                f"{_named(moved - hit)}",
                why="effects of a study that err together hide each other, since leaving one out moves nothing; and a "
                "far effect seems to matter that the rest of its study outweighs",
                advice="leave out whole studies",
                rows=removed.assign(group=group, value=removed["rstudent"], usual="within 1.96")[ROWS],
                weight=float(len(moved - hit)),
            )
        )
    return found


def validation_level(subject: Subject) -> list[Finding]:
    """How many independent effects there are, which says what cross-validation by effects would leak."""
    if not _several(subject):
        return []
    k, independent = len(subject.frame), 0.0
    for fit in subject.nested.values():
        shared, total = float((fit.tau.drop("effect") ** 2).sum()), float((fit.tau**2).sum())
        share = shared / (total + float(fit.design["vi"].median()))
        size = np.bincount(fit.design["group_study"].values[fit.design["effect_group"].values])
        independent += float((size / (1 + (size - 1) * share)).sum())
    inflation = k / independent
    return [
        Finding(
            rank=2 if inflation >= DEPENDENT else 3,
            code="validation-level",
            title="Cross-validation by effects would leak: effects of a study predict each other",
            evidence=inflation,
            measure=f"design effect: {k} effects are worth {independent:.0f} independent ones; "
            f"{k / subject.frame['study'].nunique():.1f} effects per study",
            why="an effect that is left out is predicted by its siblings, so that models which learn studies by heart "
            "look best",
            advice="leave out whole studies (`bayesmeta compare` does)",
        )
    ]


def _several(subject: Subject) -> bool:
    return bool(subject.frame["study"].duplicated().any())


def _among(stratum: str) -> str:
    return f" ({stratum})" if stratum else ""


def _named(studies: set[str]) -> str:
    return ", ".join(sorted(studies)) or "none"
