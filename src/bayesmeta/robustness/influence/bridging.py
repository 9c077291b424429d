r"""How probable new data are, from draws of the posterior before and after them.

With l the likelihood of the new data, s_0 and s_1 the shares of the draws from before and after, and r what is wanted,
the probability of the new data given the old, the bridge between both posteriors is

    r = E_0[l / (s_1 l + s_0 r)] / E_1[1 / (s_1 l + s_0 r)],        E_0 over the draws before, E_1 after

The plain mean of l before has the same limit, but of surprising data few draws make it up.
Source: Meng & Wong 1996, Statistica Sinica 6, 831-860; Bennett 1976, doi 10.1016/0021-9991(76)90078-4.
"""

import numpy as np
import xarray as xr
from scipy.optimize import brentq
from scipy.special import logsumexp


def bridge(without: xr.DataArray, given: xr.DataArray) -> tuple[float, float]:
    """The module's log r and its Monte-Carlo standard error.

    Parameters
    ----------
    without, given : DataArray
        Log-likelihood of the new data over (chain, draw), of draws from before them and from after.

    Notes
    -----
    The squared error is the sum of both means' relative variances, each with its effective sample size. From about .5
    the two posteriors hardly overlap, and the error itself is too small.
    """
    shares = np.log([without.size, given.size]) - np.log(without.size + given.size)

    def parts(log_r: float) -> list[xr.DataArray]:
        seen, unseen = (np.logaddexp(shares[1] + each, shares[0] + log_r) for each in (given, without))
        return [without - unseen, -seen]

    def gap(log_r: float) -> float:
        above, below = (float(logsumexp(part) - np.log(part.size)) for part in parts(log_r))
        return above - below - log_r

    ends = float(min(without.min(), given.min())) - 1, float(max(without.max(), given.max())) + 1
    log_r = float(brentq(gap, *ends))
    return log_r, float(np.sqrt(sum(_relative_variance(part) for part in parts(log_r))))


def _relative_variance(log_values: xr.DataArray) -> float:
    """Variance of the mean of exp(log_values), relative to its square."""
    import arviz as az

    values = xr.Dataset({"value": np.exp(log_values - log_values.max())})
    effective = float(az.ess(values, method="mean")["value"])
    return float(values["value"].var() / values["value"].mean() ** 2) / effective
