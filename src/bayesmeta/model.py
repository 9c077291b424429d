r"""The model: nested random effects around the cell means, on the exact marginal likelihood.

    y_i     = (X beta)_i + u[study] + w[group] + d[effect] + e_i
    u       ~ N(0, tau_study^2)            or tau_study t(nu), heavy tails, in a Student model
    w       ~ N(0, tau_group^2)
    d       ~ N(0, tau_effect^2)           in the four-level model
    e       ~ N(0, V)                      V known; rho correlates the errors within a group
    beta    ~ N(m, sum of parts)           cell means, from the model file; a part may have a spread (`priors`)
    spread  ~ a prior on (0, inf)          where terms are partially pooled
    tau     ~ a prior on (0, inf)          one per level, or per level and stratum, from the model file

u, w and d are integrated out (`likelihood`), so NUTS moves in beta and tau alone: nothing to centre, no funnel. What is
left is made nearly round by exact changes of coordinates (`coordinates`): beta is whitened, and the taus are polar,
because the data know their total better than how it splits, and one of them may lie against zero.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr

from bayesmeta.coordinates import Polar, Start, Whitened
from bayesmeta.likelihood import study_log_likelihood, tau_labels
from bayesmeta.priors import spread_name, term_prior
from bayesmeta.spec import ModelSpec, Prior

TAU_PRIORS: dict[str, Callable[..., Any]] = {
    "HalfNormal": pm.HalfNormal,
    "HalfCauchy": pm.HalfCauchy,
    "Exponential": lambda name, scale, **options: pm.Exponential(name, scale=scale, **options),
    "InvGamma": pm.InverseGamma,
    "Gamma": lambda name, shape, rate, **options: pm.Gamma(name, alpha=shape, beta=rate, **options),
}


def build_model(design: xr.Dataset, spec: ModelSpec, start: Start) -> pm.Model:
    """Build the model of the module's equations.

    Parameters
    ----------
    design : Dataset
        From `design.build_design`.
    spec : ModelSpec
        Terms, levels, rho, priors.
    start : Start
        Where the coordinates are centred; changes the speed of sampling, not the posterior.

    Returns
    -------
    pm.Model
        Free variables beta (term), tau (level, within each stratum) and the spreads. The likelihood node
        `obs_study` has one value per study: the data enter through the kernel and its `observed` zeros only give it a
        shape, so that PyMC's own tools see one log-likelihood per study.
    """
    prior = term_prior(design, spec)
    kernel = pytensor.wrap_jax(study_log_likelihood(design, spec))

    def logp(_: Any, beta: Any, tau: Any, *nu: Any) -> Any:
        return kernel(pt.specify_shape(beta, start.beta.shape), pt.specify_shape(tau, start.tau.shape), *nu)

    taus = tau_labels(design, spec)
    coords = {"term": design["term"].values, "level": taus, "study": design["study"].values}
    with pm.Model(coords=coords) as model:
        whitened, polar = Whitened(start.precision, start.pull), Polar(len(spec.levels), len(taus) // len(spec.levels))
        spreads = {part: _positive(spread_name(part), of) for part, of in spec.spreads.items()}
        beta = pm.MvNormal("beta", prior.mean, cov=prior.covariance(spreads), dims="term", default_transform=whitened)
        tau = _positive("tau", spec.priors["tau"], dims="level", default_transform=polar)
        tails = [_positive("nu", spec.priors["nu"])] if spec.likelihood == "student" else []
        pm.CustomDist("obs_study", beta, tau, *tails, logp=logp, observed=np.zeros(design.sizes["study"]), dims="study")
    return model


def _positive(name: str, prior: Prior, **options: Any) -> Any:
    """A variable on (0, inf) with a prior of the model file."""
    return TAU_PRIORS[prior.family](name, *prior.parameters, **options)
