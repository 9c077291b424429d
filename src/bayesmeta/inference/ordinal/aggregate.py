"""A count of studies beside the model: so many of so many enhance, as a beta-binomial."""

import pandas as pd
import xarray as xr
from scipy.stats import beta

from bayesmeta.model.spec import spec_of

BOUNDS = (0.025, 0.975)


def aggregate_table(tree: xr.DataTree) -> pd.DataFrame:
    """The share of enhancing studies that a review's count leaves, under the prior `aggregate` of the model.

    Returns
    -------
    DataFrame
        enhanced, studies, prior, mean, sd, ci_lb, ci_ub (95 % equal-tailed), prior_mean, prior_ci_lb, prior_ci_ub;
        exact: Beta(a, b) becomes Beta(a + enhanced, b + studies - enhanced). No rows without a count or a prior.
    """
    about, prior = tree["constant_data"].attrs, spec_of(tree).priors.get("aggregate")
    if prior is None or "aggregate_studies" not in about:
        return pd.DataFrame()
    enhanced, studies = int(about["aggregate_enhanced"]), int(about["aggregate_studies"])
    first, second = prior.parameters
    before, after = beta(first, second), beta(first + enhanced, second + studies - enhanced)
    row = {
        "enhanced": enhanced,
        "studies": studies,
        "prior": str(prior),
        "mean": after.mean(),
        "sd": after.std(),
    }
    row |= dict(zip(("ci_lb", "ci_ub"), after.ppf(BOUNDS), strict=True)) | {
        "prior_mean": before.mean()
    }
    return pd.DataFrame(
        [row | dict(zip(("prior_ci_lb", "prior_ci_ub"), before.ppf(BOUNDS), strict=True))]
    )
