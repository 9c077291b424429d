"""Effect sizes by metafor's names; a new effect size is a new entry."""

from collections.abc import Mapping

import numpy as np

from bayesmeta.data.effect_sizes import counts, means, pairs
from bayesmeta.data.effect_sizes.measure import TWO_GROUPS, TWO_OCCASIONS, Forms, Measure

_SD = "a standard deviation above 0"
_GIVEN = "a standard deviation above 0 (a p-value other than 0)"
_SMD: Forms = {
    TWO_GROUPS: means.smd,
    ("ti", "n1i", "n2i"): means.smd_t,
    ("fi", "n1i", "n2i"): means.smd_f,
    ("pi", "n1i", "n2i"): means.smd_p,
}
_CELLS = ("ai", "bi", "ci", "di")
_EVENTS = ("ai", "n1i", "ci", "n2i")
_ODDS: Forms = {_CELLS: counts.log_odds_ratio, _EVENTS: counts.by_sizes(counts.log_odds_ratio)}
_RISKS: Forms = {_CELLS: counts.log_risk_ratio, _EVENTS: counts.by_sizes(counts.log_risk_ratio)}
_DIFFERENCE: Forms = {
    _CELLS: counts.risk_difference,
    _EVENTS: counts.by_sizes(counts.risk_difference),
}
_CHANGE: Forms = {TWO_OCCASIONS: pairs.smcc, ("ti", "ni"): pairs.smcc_t}
_CHANGE_AV: Forms = {TWO_OCCASIONS: pairs.smcrp}
_COUNTS = dict.fromkeys(("n1i", "n2i"), (0.0, np.inf))
_FEWER = "ai <= n1i and ci <= n2i"
_MEANS = f"two means of the same sign and {_SD}"
_VARIES = "ni > 2 and a change that varies"
_UNEQUAL = "standardised mean difference, unequal variances"

MEASURES: Mapping[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("SMD", "standardised mean difference (Hedges' g)", _SMD, _GIVEN, ("LS", "UB")),
        Measure("SMDH", _UNEQUAL, {TWO_GROUPS: means.smdh}, _SD),
        Measure("MD", "mean difference", {TWO_GROUPS: means.md}, _SD),
        Measure("ROM", "log ratio of means", {TWO_GROUPS: means.rom}, _MEANS),
        Measure("ZCOR", "Fisher's z", {("ri", "ni"): pairs.zcor}, "|ri| < 1 and ni > 3"),
        Measure("OR", "log odds ratio", _ODDS, _FEWER, limits=_COUNTS),
        Measure("RR", "log risk ratio", _RISKS, _FEWER, limits=_COUNTS),
        Measure("RD", "risk difference", _DIFFERENCE, _FEWER, limits=_COUNTS),
        Measure("SMCC", "standardised mean change (d_z)", _CHANGE, _VARIES),
        Measure("SMCRP", "standardised mean change (d_av)", _CHANGE_AV, f"ni > 2 and {_SD}"),
    )
}
