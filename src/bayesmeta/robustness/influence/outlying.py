r"""Which studies the others predict badly, and which of them move the result: a Baujat plot for nested models.

Without the study, b = E[beta | y_-s] and C = Cov(beta | y_-s), and the covariance of its effects is on average
W = E[V_s | y_-s], which is linear in the squared taus. With r = y_s - X_s b and z'V_s^-1 z from the kernel

    misfit    = r' (W + X_s C X_s')^-1 r / n_s = (c_rr - c_rX C (I + c_XX C)^-1 c_Xr) / n_s
    influence = (E[beta | y] - b)' Cov(beta | y)^-1 (E[beta | y] - b) / p

The misfit is near one for a study like the others, of any size. (Up to the constant n_s it is also -2 (elpd_s - what
elpd_s would be expected to be) of a normal prediction, so that nothing is gained by taking that.)
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from jax import Array
from scipy.stats import chi2

from bayesmeta.inference.quadrature import Posterior, integrate_taus
from bayesmeta.inference.quadrature.density import Table, condition, table_of
from bayesmeta.model.design import is_small_study, split_strata
from bayesmeta.model.likelihood import cross_products, group_sums
from bayesmeta.model.spec import LEVELS, ModelSpec
from bayesmeta.robustness.influence.coverage import effects_of


def baujat_table(design: xr.Dataset, spec: ModelSpec, left_out: xr.Dataset) -> pd.DataFrame:
    """How badly the others predict each study, and how far it moves the terms.

    Parameters
    ----------
    design, spec : Dataset, ModelSpec
        A model that quadrature takes.
    left_out : Dataset
        From `quadrature.leave_one_study_out(design, spec)`.

    Returns
    -------
    DataFrame
        study, k (effects), misfit (squared Mahalanobis distance of its effects from their prediction by the others, per
        effect: about 1), pval (of the distance, chi-squared with k df), influence (squared shift of all terms without
        it, in posterior covariances, per term), cell (the term with most of its effects). Where strata are
        independent, the terms are those of the study's stratum. A term of which no other study has effects moves to its
        prior.

    Notes
    -----
    Means and variances without the study are exact; correlations of the terms are those at the taus' root mean
    squares. Source: Baujat, Mahe, Pignon & Hill 2002, doi 10.1002/sim.1221, for one effect per study.
    """
    parts = split_strata(design, spec) if spec.tau_by else {"": (design, spec)}
    found = [
        _of_stratum(own, single, left_out.sel(study=own["study"].values, term=own["term"].values), name)
        for name, (own, single) in parts.items()
    ]
    return pd.concat(found).loc[design["study"].values].reset_index()


def _of_stratum(design: xr.Dataset, spec: ModelSpec, left_out: xr.Dataset, stratum: str) -> pd.DataFrame:
    levels = [f"{stratum}:{level}" if stratum else level for level in spec.levels]
    taus = np.zeros((design.sizes["study"], len(LEVELS)))
    for level, label in zip(spec.levels, levels, strict=True):
        own = left_out.sel(level=label)
        taus[:, LEVELS.index(level)] = np.sqrt(own["tau_mean"] ** 2 + own["tau_sd"] ** 2)
    mean, sd = left_out["mean"].values, left_out["sd"].values
    k, at_taus = effects_of(design), partial(_distance, table_of(design, spec))
    distance = np.asarray(jax.lax.map(lambda x: at_taus(*x), (np.arange(len(k)), taus, mean, sd)))
    whole, covariance = _moments(integrate_taus(design, spec))
    shift = mean - whole
    cells = (design["X"].isel(term=~is_small_study(design)) != 0).groupby(_study_names(design)).sum().idxmax("term")
    return pd.DataFrame(
        {
            "k": k,
            "misfit": distance / k,
            "pval": chi2.sf(distance, k),
            "influence": (shift * np.linalg.solve(covariance, shift.T).T).sum(1) / len(whole),
            "cell": cells.sel(study=design["study"].values).values,
        },
        pd.Index(design["study"].values, name="study"),
    )


def _study_names(design: xr.Dataset) -> xr.DataArray:
    names = design["study"].values[design["group_study"].values[design["effect_group"].values]]
    return xr.DataArray(names, dims="effect", name="study")


def _distance(table: Table, study: Array, tau: Array, mean: Array, sd: Array) -> Array:
    """The module's c_rr - c_rX C (I + c_XX C)^-1 c_Xr of one study."""
    sums = group_sums(table.columns, table.v, table.nesting, tau[2], table.rho)
    log_det, each = cross_products(sums, tau[0], tau[1], table.nesting)
    others = condition(each.sum(0) - each[study], log_det.sum() - log_det[study], len(table.v), table).covariance
    scale = sd / jnp.sqrt(jnp.diagonal(others))
    covariance = others * scale[:, None] * scale
    to_residual = jnp.append(-mean, 1.0)
    h = each[study][:-1] @ to_residual
    inner = jnp.linalg.solve(jnp.eye(len(mean)) + each[study][:-1, :-1] @ covariance, h)
    return to_residual @ each[study] @ to_residual - h @ covariance @ inner


def _moments(posterior: Posterior) -> tuple[np.ndarray, np.ndarray]:
    """Mean (p,) and covariance (p, p) of the terms."""
    mean = posterior.weight @ posterior.beta
    apart = posterior.beta - mean
    within = np.einsum("n,nij->ij", posterior.weight, posterior.covariance)
    return mean, within + np.einsum("n,ni,nj->ij", posterior.weight, apart, apart)
