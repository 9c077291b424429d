"""Effect sizes by metafor's names; a new effect size is a new entry."""

from collections.abc import Mapping

import numpy as np

from bayesmeta.data.effect_sizes import counts, means, pairs
from bayesmeta.data.effect_sizes.measure import TWO_GROUPS, TWO_OCCASIONS, Forms, Formula, Measure

_SD = "a standard deviation above 0"
_GIVEN = "a standard deviation above 0 (a p-value other than 0)"
_SMD: Forms = {
    TWO_GROUPS: means.smd,
    ("ti", "n1i", "n2i"): means.smd_t,
    ("fi", "n1i", "n2i"): means.smd_f,
    ("pi", "n1i", "n2i"): means.smd_p,
}
_CHANGE: Forms = {TWO_OCCASIONS: pairs.smcc, ("ti", "ni"): pairs.smcc_t}
_CHANGE_AV: Forms = {TWO_OCCASIONS: pairs.smcrp}
_MEANS = f"two means of the same sign and {_SD}"
_VARIES = "ni > 2 and a change that varies"
_UNEQUAL = "standardised mean difference, unequal variances"


def _of_counts(name: str, title: str, formula: Formula) -> Measure:
    """Return the measure of two groups from the four cells, or from events and group sizes."""
    cells = ("ai", "bi", "ci", "di")
    forms: Forms = {cells: formula, ("ai", "n1i", "ci", "n2i"): counts.by_sizes(formula)}
    limits = dict.fromkeys(("n1i", "n2i"), (0.0, np.inf))
    return Measure(name, title, forms, "ai <= n1i and ci <= n2i", limits=limits)


MEASURES: Mapping[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("SMD", "standardised mean difference (Hedges' g)", _SMD, _GIVEN, ("LS", "UB")),
        Measure("SMDH", _UNEQUAL, {TWO_GROUPS: means.smdh}, _SD),
        Measure("MD", "mean difference", {TWO_GROUPS: means.md}, _SD),
        Measure("ROM", "log ratio of means", {TWO_GROUPS: means.rom}, _MEANS),
        Measure("ZCOR", "Fisher's z", {("ri", "ni"): pairs.zcor}, "|ri| < 1 and ni > 3"),
        _of_counts("OR", "log odds ratio", counts.log_odds_ratio),
        _of_counts("RR", "log risk ratio", counts.log_risk_ratio),
        _of_counts("RD", "risk difference", counts.risk_difference),
        Measure("SMCC", "standardised mean change (d_z)", _CHANGE, _VARIES),
        Measure("SMCRP", "standardised mean change (d_av)", _CHANGE_AV, f"ni > 2 and {_SD}"),
    )
}
