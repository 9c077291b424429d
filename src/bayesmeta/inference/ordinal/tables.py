"""Tables of directions, posterior and prior: sides (route), differences, a next study, a count."""

from itertools import combinations

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import ndtri
from scipy.stats import beta

from bayesmeta.inference.ordinal.probabilities import (
    averaged_probabilities,
    direction_log_probabilities,
)
from bayesmeta.model.design.labels import level_coordinate
from bayesmeta.model.spec import spec_of

BOUNDS = (0.025, 0.975)
LOGISTIC_VARIANCE = np.pi**2 / 3
NEW_STUDIES = 20  # equally likely study effects per draw


def sides_of(tree: xr.DataTree) -> dict[str, str]:
    """Return the levels of the model's `sides` and their terms; others at their first level."""
    term = tree["constant_data"].to_dataset()[level_coordinate(spec_of(tree).sides)]
    named = zip(term.values, term["term"].values, strict=True)
    return {str(level): str(name) for level, name in named if level}


def side_probabilities(tree: xr.DataTree, *, group: str = "posterior") -> xr.DataArray:
    """Return probabilities (sample, side, direction) in an unseen study; `group` may be `prior`."""
    eta, gap, tau = _parameters(tree, group)
    values = averaged_probabilities(eta, gap[:, None], tau[:, None])
    labels = {"side": list(sides_of(tree)), "direction": list(spec_of(tree).categories)}
    return xr.DataArray(values, labels, ("sample", "side", "direction"))


def directions_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return the probability of every direction given the side, posterior and prior.

    The columns are the model's sides by name (route), direction, rows (of that direction), of (rows
    of the side), studies (of the side), mean, ci_lb, ci_ub (95 % equal-tailed), prior_mean,
    prior_ci_lb, prior_ci_ub. The study effect is integrated out: the share of all studies with this
    direction.
    """
    posterior, prior = (side_probabilities(tree, group=group) for group in ("posterior", "prior"))
    design = tree["constant_data"].to_dataset()
    spec = spec_of(tree)
    rows = []
    for side, term in sides_of(tree).items():
        here = design["X"].sel(term=term).values != 0
        studies = len(np.unique(design["effect_study"].values[here]))
        for code, direction in enumerate(spec.categories):
            at = {"side": side, "direction": direction}
            row: dict[str, object] = {spec.sides: side, "direction": direction}
            row["rows"] = int((design["direction"].values[here] == code).sum())
            row |= {"of": int(here.sum()), "studies": studies}
            row |= _summary(posterior.sel(at).values) | _summary(prior.sel(at).values, "prior_")
            rows.append(row)
    return pd.DataFrame(rows)


def differences_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return differences between sides in the probability of every direction.

    The columns are contrast (`intravenous - unstated`), p_positive, others as `directions_table`.
    """
    posterior, prior = (side_probabilities(tree, group=group) for group in ("posterior", "prior"))
    rows = []
    for first, second in combinations(sides_of(tree), 2):
        after, before = (x.sel(side=first) - x.sel(side=second) for x in (posterior, prior))
        for direction in spec_of(tree).categories:
            draws = after.sel(direction=direction).values
            row = {"contrast": f"{first} - {second}", "direction": direction, **_summary(draws)}
            row["p_positive"] = float((draws > 0).mean())
            rows.append(row | _summary(before.sel(direction=direction).values, "prior_"))
    return pd.DataFrame(rows)


def next_study_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return the probability of every direction in the next study of a side.

    The columns are term, level (`study`), direction, p (of that direction in the next study),
    pi_lb, pi_ub (95 % of next studies have a probability between them: it includes the effect of
    the study, not the chance of a single result).
    """
    eta, gap, tau = _parameters(tree, "posterior")
    normals = ndtri((np.arange(NEW_STUDIES) + 0.5) / NEW_STUDIES)
    eta_of_study = eta[..., None] + tau[:, None, None] * normals
    in_study = np.exp(direction_log_probabilities(eta_of_study, gap[:, None, None]))
    expected = side_probabilities(tree).mean("sample")
    rows = []
    for at, (side, term) in enumerate(sides_of(tree).items()):
        for code, direction in enumerate(spec_of(tree).categories):
            lower, upper = np.quantile(in_study[:, at, :, code], BOUNDS)
            p = float(expected.sel(side=side, direction=direction))
            rows.append((term, "study", direction, p, lower, upper))
    return pd.DataFrame(rows, columns=["term", "level", "direction", "p", "pi_lb", "pi_ub"])


def aggregate_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return the share of enhancing studies after a review's count, under the prior `aggregate`.

    The columns are enhanced, studies, prior, mean, sd, ci_lb, ci_ub (95 % equal-tailed),
    prior_mean, prior_ci_lb, prior_ci_ub; exact: Beta(a, b) becomes Beta(a + enhanced, b + studies -
    enhanced). No rows without a count or a prior.
    """
    about = tree["constant_data"].attrs
    prior = spec_of(tree).priors.get("aggregate")
    if prior is None or "aggregate_studies" not in about:
        return pd.DataFrame()
    enhanced = int(about["aggregate_enhanced"])
    studies = int(about["aggregate_studies"])
    a, b = prior.parameters
    after = beta(a + enhanced, b + studies - enhanced)
    lower, upper = after.ppf(BOUNDS)
    row = {"enhanced": enhanced, "studies": studies, "prior": str(prior), "mean": after.mean()}
    row |= {"sd": after.std(), "ci_lb": lower, "ci_ub": upper, "prior_mean": beta(a, b).mean()}
    row |= dict(zip(("prior_ci_lb", "prior_ci_ub"), beta(a, b).ppf(BOUNDS), strict=True))
    return pd.DataFrame([row])


def latent_heterogeneity_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return the columns of `estimates.heterogeneity_table`, on the log odds.

    I^2 in percent is 100 tau^2 / (tau^2 + pi^2 / 3), with the variance of the logistic
    distribution. Source: Snijders & Bosker 2012, Multilevel Analysis, ch. 17.
    """
    _, _, tau = _parameters(tree, "posterior")
    i2 = 100 * tau**2 / (tau**2 + LOGISTIC_VARIANCE)
    table = pd.DataFrame({"level": ["study", "total"]})
    return table.assign(**_summary(tau, "tau_"), **_summary(i2, "i2_"))


def _parameters(tree: xr.DataTree, group: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return log odds of every side (draws, sides), gap and tau (draws,)."""
    draws = tree[group].to_dataset().stack(sample=("chain", "draw"))
    eta = draws["beta"].sel(term=list(sides_of(tree).values())).transpose("sample", "term")
    return eta.values, draws["gap"].values, draws["tau_study"].values


def _summary(draws: np.ndarray, prefix: str = "") -> dict[str, float]:
    lower, upper = np.quantile(draws, BOUNDS)
    summary = {"mean": draws.mean(), "ci_lb": lower, "ci_ub": upper}
    return {f"{prefix}{name}": float(value) for name, value in summary.items()}
