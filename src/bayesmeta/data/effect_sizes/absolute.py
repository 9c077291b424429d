"""The risk with treatment: an effect at a baseline risk, as in a summary of findings."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from bayesmeta.data.effect_sizes import scales
from bayesmeta.data.effect_sizes.scales import Floats
from bayesmeta.infrastructure.errors import BadInput

Risk = Callable[[Floats, float], Floats]


def of_odds_ratio(log_ratio: Floats, baseline: float) -> Floats:
    """Return the risk whose odds are those of the baseline times the ratio."""
    return expit(logit(baseline) + log_ratio)


def of_risk_ratio(log_ratio: Floats, baseline: float) -> Floats:
    """Return the baseline times the ratio, at most 1."""
    return np.minimum(baseline * np.exp(log_ratio), 1)


def of_hazard_ratio(log_ratio: Floats, baseline: float) -> Floats:
    """Return the risk of proportional hazards: survival is that of the baseline to the ratio."""
    return -np.expm1(np.exp(log_ratio) * np.log1p(-baseline))


def of_risk_difference(difference: Floats, baseline: float) -> Floats:
    """Return the baseline plus the difference, from 0 to 1."""
    return np.clip(baseline + difference, 0, 1)


BY_SCALE: dict[str, Risk] = {
    scales.ODDS_RATIO.name: of_odds_ratio,
    scales.RISK_RATIO.name: of_risk_ratio,
    scales.HAZARD_RATIO.name: of_hazard_ratio,
    scales.PERCENTAGE_POINTS.name: of_risk_difference,
}


def risk_with_treatment(effect: ArrayLike, baseline: float, scale: str) -> Floats:
    """Return the risk in the treated group, from 0 to 1.

    The function increases with the effect, so that quantiles of effects become quantiles of risks.
    Raise BadInput if the baseline is no risk, or effects on this scale do not change a risk.

    Parameters
    ----------
    effect : effect sizes: logarithms of odds ratios, risk ratios or hazard ratios, or differences
        of risks.
    baseline : the risk without treatment, above 0 and below 1.
    scale : the name of the scale on which the effect is read, such as "odds ratio".

    Notes
    -----
    Source: Cochrane Handbook for Systematic Reviews of Interventions, version 6.4, section 15.4.4;
    for hazard ratios section 14.1.5.2.
    """
    if not 0 < baseline < 1:
        right = "a risk above 0 and below 1, such as 0.12 for 120 per 1000"
        raise BadInput(f"the baseline risk is {baseline:g}; it should be {right}")
    if scale not in BY_SCALE:
        known = ", ".join(BY_SCALE)
        got = scale or "effects without such a scale"
        raise BadInput(f"a baseline risk needs one of: {known}; the measure of this fit has {got}")
    return BY_SCALE[scale](np.asarray(effect, float), baseline)
