"""Weights of the effects in a fitted model."""

import numpy as np
import xarray as xr

from bayesmeta.estimates.summaries import levels_of, strata_of, tau_draws, values_of
from bayesmeta.model.likelihood import likelihood_of
from bayesmeta.model.spec import spec_of
from bayesmeta.model.structure import Structured


def mean_taus(tree: xr.DataTree) -> np.ndarray:
    """Return the posterior means of the taus, in the order of `tau_labels` (taus,)."""
    by_stratum = [tau_draws(tree, stratum)[levels_of(tree)].mean() for stratum in strata_of(tree)]
    return np.concatenate([means.to_numpy() for means in by_stratum])


def mean_rho(tree: xr.DataTree) -> float:
    """Return the correlation of errors within a group, the posterior mean if it is estimated."""
    posterior = tree["posterior"].dataset
    return float(posterior["rho"].mean()) if "rho" in posterior else spec_of(tree).rho


def row_sum_weights(tree: xr.DataTree, taus: np.ndarray | None = None) -> np.ndarray:
    """Return the weight of every effect in percent (k,); they add up to 100.

    With V the marginal covariance matrix of the effects at the taus, which are by default their
    posterior means, the weights are the sums of the rows of V^-1. In a model of a single mean they
    are the weights of the effects in its generalised least-squares estimate; a study has the sum of
    the weights of its effects. Likelihoods that are not normal have the weights of the normal.

    Source: metafor's `weights(fit, type = "rowsum")`.
    """
    design = tree["constant_data"].to_dataset()
    spec = spec_of(tree)
    if spec.is_structured:
        means = {name: value.mean(keepdims=True) for name, value in values_of(tree).items()}
        sums = Structured(design, spec).row_sums(means)
        return np.asarray(100 * sums / sums.sum())
    likelihood = likelihood_of(design, spec)
    sums = likelihood.row_sums(mean_taus(tree) if taus is None else taus, mean_rho(tree))
    return np.asarray(100 * sums / sums.sum())
