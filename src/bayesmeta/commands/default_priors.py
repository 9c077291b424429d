"""Priors that follow the effect size, for a table of a user without a model file.

The unit-information standard deviation (UISD) of a measure is the standard error of its estimate in
a study of one subject in all, sqrt(n v): sqrt(sum n / sum 1/v) over studies. It makes priors of
different measures comparable. Here it is that of groups of equal size, with effects near 0 and
proportions near a half; of hazards and rates it is per event.

Source: Röver et al. 2021, doi 10.1002/jrsm.1475, section 3.1.
"""

from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from bayesmeta.model.spec import ModelSpec, Prior

STANDARDISED = (0.1, 3)  # root mean square of effects that may be standardised
MOST = "weakly informative: most standardised differences and log ratios are below 3 in size"
NOTE = (
    "the priors depend on the unit of the effects: {} for means, {} for standard deviations; "
    "bayesmeta init writes a model file in which they can be changed"
)


class Widths(NamedTuple):
    """Priors and region of practical equivalence for a kind of effect size, with the reason."""

    terms_sd: float
    tau_sd: float
    rope: float
    reason: str
    uisd: float | None = None  # of the measure


GENERAL = Widths(1.5, 1, 0.2, MOST, 2)
_ODDS = Widths(1.5, 1, 0.2, "weakly informative: most odds ratios are between 1/20 and 20", 4)
_RISKS = Widths(1.5, 1, 0.1, "weakly informative: most risk ratios are between 1/20 and 20", 2)
_MEANS = Widths(1, 0.5, 0.1, "weakly informative: most ratios of means are between 1/7 and 7", 1)
_R = Widths(1, 0.5, 0.1, "weakly informative: most correlations are below .96 in size", 1)
_SHARES = Widths(
    0.5, 0.25, 0.05, "weakly informative: most risk differences are below .9 in size", 1
)
_LOGITS = Widths(3, 1, 0.2, "weakly informative: most proportions are between 1/400 and 399/400", 2)
_KINDS: dict[Widths, str] = {
    GENERAL: "SMD SMDH SMD1 SMD1H SMCC SMCR SMCRH SMCRP SMCRPH SMN OR2D OR2DL OR2DN PBIT",
    _ODDS: "OR PETO MPOR MPORM MPORC MPPETO D2OR D2ORL D2ORN",
    _RISKS: "RR MPRR IRR HR",
    _MEANS: "ROM ROMC VR VRC CVR CVRC",
    _R: "ZCOR COR UCOR PCOR ZPCOR SPCOR ZSPCOR RPB ZPB RBIS ZBIS PHI YUQ YUY R2 ZR2",
    _SHARES: "RD MPRD AS",
    _LOGITS: "PLO",
}
WIDTHS = {name: widths for widths, names in _KINDS.items() for name in names.split()}


def widths_of(frame: pd.DataFrame, measure: str | None) -> Widths:
    """Return priors for a measure, else by the root mean square of yi (it may be standardised)."""
    if measure in WIDTHS:
        return WIDTHS[measure]
    size = float((frame["yi"] ** 2).mean() ** 0.5)
    if measure is None and STANDARDISED[0] <= size <= STANDARDISED[1]:
        return GENERAL
    unit = float(f"{size or 1:.1g}")
    reason = f"wide in comparison with the effects, whose root mean square is {size:.2g}"
    return Widths(2.5 * unit, unit, 0.1 * unit, reason)


def widened(spec: ModelSpec, frame: pd.DataFrame) -> ModelSpec:
    """Return the default model with priors and region of equivalence that fit a table's measure.

    Priors of standardised differences would pull means of large numbers to zero, and hardly inform
    small ones. Other priors than the model's are noted in the table's attrs.
    """
    widths = widths_of(frame, frame.attrs.get("measure"))
    if widths[:2] == GENERAL[:2]:
        return spec if widths == GENERAL else replace(spec, rope=widths.rope)
    terms = Prior("Normal", (0.0, float(widths.terms_sd)), widths.reason)
    tau = Prior("HalfNormal", (float(widths.tau_sd),), widths.reason)
    note = NOTE.format(terms, tau)
    frame.attrs["notes"] = [*frame.attrs.get("notes", []), note]
    return replace(spec, priors={**spec.priors, "terms": terms, "tau": tau}, rope=widths.rope)
