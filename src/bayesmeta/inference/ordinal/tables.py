"""What the draws say of directions, always beside what the prior says: by side (route), differences, a next study."""

from itertools import combinations

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import ndtri

from bayesmeta.inference.ordinal.probabilities import (
    averaged_probabilities,
    direction_log_probabilities,
)
from bayesmeta.model.spec import spec_of

BOUNDS = (0.025, 0.975)
LOGISTIC_VARIANCE = np.pi**2 / 3
NEW_STUDIES = 20  # equally likely study effects per draw


def sides_of(tree: xr.DataTree) -> dict[str, str]:
    """Level of the model's `sides` to its term; the other terms are at their first level (given after conditioning)."""
    term = tree["constant_data"].to_dataset()[f"term_{spec_of(tree).sides}"]
    return {
        str(level): str(name)
        for level, name in zip(term.values, term["term"].values, strict=True)
        if level
    }


def side_probabilities(tree: xr.DataTree, *, group: str = "posterior") -> xr.DataArray:
    """Probability of each direction in a study not yet seen: (sample, side, direction); `group` may be `prior`."""
    eta, gap, tau = _parameters(tree, group)
    found = averaged_probabilities(eta, gap[:, None], tau[:, None])
    labels = {"side": list(sides_of(tree)), "direction": _directions(tree)}
    return xr.DataArray(found, labels, ("sample", "side", "direction"))


def directions_table(tree: xr.DataTree) -> pd.DataFrame:
    """Probability of each direction given the side, posterior and prior.

    Returns
    -------
    DataFrame
        A column named as the model's sides (route), direction, rows (of that direction), of (rows of the side),
        studies (of the side), mean, ci_lb, ci_ub (95 % equal-tailed), prior_mean, prior_ci_lb, prior_ci_ub. The
        study effect is integrated out: what share of all studies would go that way.
    """
    posterior, prior = (side_probabilities(tree, group=group) for group in ("posterior", "prior"))
    design, name = tree["constant_data"].to_dataset(), spec_of(tree).sides
    rows = []
    for side, term in sides_of(tree).items():
        here = design["X"].sel(term=term).values != 0
        studies = len(np.unique(design["effect_study"].values[here]))
        for code, direction in enumerate(_directions(tree)):
            at = {"side": side, "direction": direction}
            counts = {
                "rows": int((design["direction"].values[here] == code).sum()),
                "of": int(here.sum()),
            }
            said = _summary(posterior.sel(at).values) | _summary(prior.sel(at).values, "prior_")
            rows.append({name: side, "direction": direction} | counts | {"studies": studies} | said)
    return pd.DataFrame(rows)


def differences_table(tree: xr.DataTree) -> pd.DataFrame:
    """Differences between sides in the probability of each direction, posterior and prior.

    Returns
    -------
    DataFrame
        contrast (`intravenous - unstated`), direction, mean, ci_lb, ci_ub, p_positive, prior_mean, prior_ci_lb,
        prior_ci_ub.
    """
    posterior, prior = (side_probabilities(tree, group=group) for group in ("posterior", "prior"))
    rows = []
    for first, second in combinations(sides_of(tree), 2):
        for direction in _directions(tree):
            after, before = (
                (
                    part.sel(side=first, direction=direction)
                    - part.sel(side=second, direction=direction)
                ).values
                for part in (posterior, prior)
            )
            said = (
                _summary(after)
                | {"p_positive": float((after > 0).mean())}
                | _summary(before, "prior_")
            )
            rows.append({"contrast": f"{first} - {second}", "direction": direction} | said)
    return pd.DataFrame(rows)


def next_study_table(tree: xr.DataTree) -> pd.DataFrame:
    """Probability of each direction in the next study of a side.

    Returns
    -------
    DataFrame
        term, level (`study`), direction, p (that the next study goes that way), pi_lb, pi_ub (95 % of next studies
        have a probability between them: the study's own effect is in, the chance of a single result is not).
    """
    eta, gap, tau = _parameters(tree, "posterior")
    own = ndtri((np.arange(NEW_STUDIES) + 0.5) / NEW_STUDIES)
    in_study = np.exp(
        direction_log_probabilities(eta[..., None] + tau[:, None, None] * own, gap[:, None, None])
    )
    expected = side_probabilities(tree).mean("sample")
    rows = []
    for at, (side, term) in enumerate(sides_of(tree).items()):
        for code, direction in enumerate(_directions(tree)):
            lower, upper = np.quantile(in_study[:, at, :, code], BOUNDS)
            p = float(expected.sel(side=side, direction=direction))
            rows.append(
                {
                    "term": term,
                    "level": "study",
                    "direction": direction,
                    "p": p,
                    "pi_lb": lower,
                    "pi_ub": upper,
                }
            )
    return pd.DataFrame(rows)


def latent_heterogeneity_table(tree: xr.DataTree) -> pd.DataFrame:
    """Columns as `estimates.heterogeneity_table`; I^2 in percent is 100 tau^2 / (tau^2 + pi^2 / 3), on the log odds.

    Source: pi^2 / 3 is the variance of the logistic distribution: Snijders & Bosker 2012, Multilevel Analysis, ch. 17.
    """
    _, _, tau = _parameters(tree, "posterior")
    said = _summary(tau, "tau_") | _summary(100 * tau**2 / (tau**2 + LOGISTIC_VARIANCE), "i2_")
    return pd.DataFrame([{"level": level} | said for level in ("study", "total")])


def _parameters(tree: xr.DataTree, group: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log odds of each side (draws, sides), gap and tau (draws,)."""
    draws = tree[group].to_dataset().stack(sample=("chain", "draw"))
    eta = draws["beta"].sel(term=list(sides_of(tree).values())).transpose("sample", "term")
    return eta.values, draws["gap"].values, draws["tau_study"].values


def _directions(tree: xr.DataTree) -> list[str]:
    return list(spec_of(tree).categories)


def _summary(draws: np.ndarray, prefix: str = "") -> dict[str, float]:
    lower, upper = np.quantile(draws, BOUNDS)
    return {
        f"{prefix}mean": float(draws.mean()),
        f"{prefix}ci_lb": float(lower),
        f"{prefix}ci_ub": float(upper),
    }
