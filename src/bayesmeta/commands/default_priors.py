"""Priors that follow the effect size, for a table of a user without a model file."""

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


GENERAL = Widths(1.5, 1, 0.2, MOST)
_ODDS = Widths(1.5, 1, 0.2, "weakly informative: most odds ratios are between 1/20 and 20")
_RISKS = Widths(1.5, 1, 0.1, "weakly informative: most risk ratios are between 1/20 and 20")
_MEANS = Widths(1, 0.5, 0.1, "weakly informative: most ratios of means are between 1/7 and 7")
_R = Widths(1, 0.5, 0.1, "weakly informative: most correlations are below .96 in size")
_SHARES = Widths(0.5, 0.25, 0.05, "weakly informative: most risk differences are below .9 in size")
_LOGITS = Widths(3, 1, 0.2, "weakly informative: most proportions are between 1/400 and 399/400")
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
    """Return the default model with priors that are wide enough for the effects of a table.

    Priors of standardised differences would pull means of large numbers to zero. A wider prior is
    noted in the table's attrs.
    """
    widths = widths_of(frame, frame.attrs.get("measure"))
    if widths.terms_sd <= GENERAL.terms_sd:
        return spec
    terms = Prior("Normal", (0.0, widths.terms_sd), widths.reason)
    tau = Prior("HalfNormal", (float(widths.tau_sd),), widths.reason)
    note = NOTE.format(terms, tau)
    frame.attrs["notes"] = [*frame.attrs.get("notes", []), note]
    return replace(spec, priors={**spec.priors, "terms": terms, "tau": tau}, rope=widths.rope)
