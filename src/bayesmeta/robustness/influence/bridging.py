r"""The probability of new data from draws of the posteriors without them and given them.

With l the likelihood of the new data, s_0 and s_1 the shares of the draws without and given them,
and r the probability of the new data given the old, the bridge between both posteriors is

    r = E_0[l / (s_1 l + s_0 r)] / E_1[1 / (s_1 l + s_0 r)]

with E_0 over the draws without the new data and E_1 over those given them. The plain mean of l
without them has the same limit, but few draws determine it if the new data are surprising.
Source: Meng & Wong 1996, Statistica Sinica 6, 831-860; Bennett 1976,
doi 10.1016/0021-9991(76)90078-4.
"""

import numpy as np
import xarray as xr
from scipy.optimize import brentq
from scipy.special import logsumexp

from bayesmeta.infrastructure.arviz import arviz_stats


def bridge(without: xr.DataArray, given: xr.DataArray) -> tuple[float, float]:
    """Return the module's log r and its Monte-Carlo standard error.

    The squared error is the sum of the relative variances of both means, with their effective
    sample sizes. From about .5 the two posteriors hardly overlap, and the error itself is too
    small. `without`, `given`: log-likelihood of the new data (chain, draw), draws without and given
    them.
    """
    log_shares = np.log([without.size, given.size]) - np.log(without.size + given.size)

    def log_parts(log_r: float) -> list[xr.DataArray]:
        shares = (log_shares[1], log_shares[0] + log_r)
        mixed = [np.logaddexp(shares[0] + log_lik, shares[1]) for log_lik in (without, given)]
        return [without - mixed[0], -mixed[1]]

    def gap(log_r: float) -> float:
        above, below = (float(logsumexp(part) - np.log(part.size)) for part in log_parts(log_r))
        return above - below - log_r

    lowest = float(min(without.min(), given.min())) - 1
    highest = float(max(without.max(), given.max())) + 1
    log_r = float(brentq(gap, lowest, highest))
    variance = sum(_relative_variance(part) for part in log_parts(log_r))
    return log_r, float(np.sqrt(variance))


def _relative_variance(log_values: xr.DataArray) -> float:
    """Return the variance of the mean of exp(log_values), relative to its square."""
    values = xr.Dataset({"value": np.exp(log_values - log_values.max())})
    effective = float(arviz_stats.ess(values, method="mean")["value"])
    return float(values["value"].var() / values["value"].mean() ** 2) / effective
