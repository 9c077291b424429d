"""Predictions per 1000 persons at baseline risks: the rows of a summary of findings."""

from collections.abc import Sequence

import pandas as pd

from bayesmeta.data.effect_sizes import risk_with_treatment
from bayesmeta.infrastructure.errors import BadInput

PERSONS = 1000
BASELINE = "baseline_per_1000"


def parse_baselines(text: str) -> list[float]:
    """Return the risks of `0.12, 0.3`; raise BadInput if a part is no number."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        right = "risks above 0 and below 1, such as 0.12,0.3"
        raise BadInput(f"the baseline is '{text}'; it should be {right}") from None


def absolute_table(predicted: pd.DataFrame, scale: str, baselines: Sequence[float]) -> pd.DataFrame:
    """Return the rows of `predicted_table` for every baseline risk, per 1000 persons.

    Columns: those before mean; k, studies; baseline_per_1000; per_1000 with its 95 % interval
    per_1000_ci_lb and _ub, the persons with an event under treatment, at the mean effect;
    per_1000_pi_lb and _ub, the same in a new study (the lowest level); difference_per_1000 with its
    interval: per_1000 minus the baseline. Raise BadInput if a baseline is no risk, or the
    effects of this scale do not change a risk.
    """
    names = list(map(str, predicted))
    labels = names[: names.index("mean")]
    *_, lower = (name for name in names if name.startswith("pi_") and name.endswith("_lb"))
    ends = {"ci_lb": "ci_lb", "ci_ub": "ci_ub", "pi_lb": lower, "pi_ub": f"{lower[:-3]}_ub"}
    parts = []
    for baseline in baselines:
        persons = PERSONS * baseline
        part = predicted[[*labels, "k", "studies"]].assign(**{BASELINE: persons})
        part["per_1000"] = PERSONS * risk_with_treatment(predicted["mean"], baseline, scale)
        for end, column in ends.items():
            risk = risk_with_treatment(predicted[column], baseline, scale)
            part[f"per_1000_{end}"] = PERSONS * risk
        part["difference_per_1000"] = part["per_1000"] - persons
        for end in ("ci_lb", "ci_ub"):
            part[f"difference_per_1000_{end}"] = part[f"per_1000_{end}"] - persons
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
