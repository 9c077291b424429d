"""The risk with treatment at a baseline risk."""

import numpy as np
import pytest

from bayesmeta.data.effect_sizes import MEASURES, risk_with_treatment
from bayesmeta.infrastructure.errors import BadInput


@pytest.mark.parametrize("measure", ["OR", "RR", "RD", "PETO"])
def test_the_risk_of_the_treated_group_is_found_again(measure: str) -> None:
    ai, bi, ci, di = 12.0, 88.0, 30.0, 120.0
    yi, _ = MEASURES["OR" if measure == "PETO" else measure](ai=ai, bi=bi, ci=ci, di=di)
    scale = MEASURES[measure].scale.name
    assert risk_with_treatment(yi, 30 / 150, scale) == pytest.approx(12 / 100, abs=1e-12)


def test_a_hazard_ratio_is_of_survival() -> None:
    survival = np.exp(-0.4)  # of the baseline, with a hazard of .4
    risk = risk_with_treatment(np.log(0.5), 1 - survival, "hazard ratio")
    assert risk == pytest.approx(1 - np.exp(-0.2), abs=1e-12)


@pytest.mark.parametrize("scale", ["odds ratio", "risk ratio", "hazard ratio", "percentage points"])
def test_risks_increase_with_the_effect_and_stay_risks(scale: str) -> None:
    risks = risk_with_treatment(np.linspace(-3, 3, 50), 0.3, scale)
    assert (np.diff(risks) >= 0).all()
    assert risks.min() >= 0
    assert risks.max() <= 1
    assert risk_with_treatment(0.0, 0.3, scale) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("baseline", "scale", "message"),
    [
        (120, "odds ratio", "baseline risk is 120; it should be a risk above 0 and below 1"),
        (0, "odds ratio", "baseline risk is 0"),
        (float("nan"), "odds ratio", "baseline risk is nan"),
        (0.1, "correlation", "has correlation"),
        (0.1, "", "effects without such a scale"),
    ],
)
def test_what_is_no_risk_is_refused(baseline: float, scale: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        risk_with_treatment(0.1, baseline, scale)
