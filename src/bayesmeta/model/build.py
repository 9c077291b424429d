r"""The model: nested random effects around the cell means, on the exact marginal likelihood.

    y_i     = (X beta)_i + u[study] + w[group] + d[effect] + e_i
    u       ~ N(0, tau_study^2)            or tau_study t(nu), heavy tails, in a Student model
    w       ~ N(0, tau_group^2)
    d       ~ N(0, tau_effect^2)           in the four-level model
    e       ~ N(0, V)                      V known; rho correlates the errors within a group
    beta    ~ N(m, sum of parts)           terms, from the model file (`priors`)
    sd_part ~ a prior on (0, inf)          pooling sd of a part, where terms are partially pooled
    tau     ~ a prior on (0, inf)          one per level, or per level and stratum
    rho     ~ a prior on (0, 1)            where it is estimated
    y_i     published with weight omega    in a selection model, by its p-value (`likelihood.steps`)

u, w and d are integrated out (`likelihood`), so that NUTS moves in beta and tau alone, without a
funnel. Exact changes of coordinates (`coordinates`) make the rest of the posterior nearly round:
beta is whitened; the taus are polar, because the total variance is well identified, its split is
not, and one tau may be near 0.
"""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr

from bayesmeta.model.coordinates import Falling, Polar, Squeezed, Whitened, weights_above
from bayesmeta.model.likelihood import likelihood_of, tau_labels, weight_labels
from bayesmeta.model.priors import pooling_sd_name, term_prior
from bayesmeta.model.spec import FAMILIES, ModelSpec, Prior
from bayesmeta.model.start import Start, squeeze_of

jax.config.update("jax_enable_x64", True)  # in 32 bits the likelihood is wrong in the third digit


def build_model(
    design: xr.Dataset, spec: ModelSpec, start: Start, *, without: Sequence[str] = ()
) -> pm.Model:
    """Build the model of the module's equations for a design of `design.build_design`.

    The coordinates' centre `start` changes the speed of sampling, not the posterior. The studies
    `without` are left out of the likelihood. Free variables are beta (term), tau (level, within
    every stratum), the pooling sds, and `spec.auxiliary_parameters` (weights over `weight`). The
    likelihood node `obs_study` has a value per study: the data enter through the kernel, and
    its `observed` zeros only give it a shape, so that PyMC's tools see a log-likelihood per
    study.
    """
    prior = term_prior(design, spec)
    taus = tau_labels(design, spec)
    coords: dict[str, Any] = {dim: design[dim].values for dim in ("term", "study", "group")}
    coords |= {"level": taus, "weight": weight_labels(design, spec)}
    with pm.Model(coords=coords) as model:
        sds = prior.sds.items()
        pooling_sds = {part: prior_variable(pooling_sd_name(part), of_sd) for part, of_sd in sds}
        cov = prior.covariance(pooling_sds)
        information = (start.precision, start.xt_vinv_y)
        squeeze = squeeze_of(prior, start)
        whitened = Squeezed(*information, squeeze) if squeeze else Whitened(*information)
        beta = pm.MvNormal("beta", prior.mean, cov=cov, dims="term", default_transform=whitened)
        if prior.limits is not None:
            pm.Potential("limits", pt.constant(-prior.limits.log_mass))
        polar = Polar(len(spec.levels), len(taus) // len(spec.levels))
        tau = _taus(spec, len(taus) // len(spec.levels), dims="level", default_transform=polar)
        others = [_other(name, spec.priors[name]) for name in spec.auxiliary_parameters]
        logp = _log_likelihood(design, spec, without)
        zeros = np.zeros(design.sizes["study"])
        pm.CustomDist("obs_study", beta, tau, *others, logp=logp, observed=zeros, dims="study")
    return model


def _log_likelihood(design: xr.Dataset, spec: ModelSpec, without: Sequence[str]) -> Any:
    """Return a function of PyTensor variables to the log-likelihood by study (studies,)."""
    included = np.where(np.isin(design["study"].values, list(without)), 0.0, 1.0)
    weights = len(weight_labels(design, spec))
    shapes: list[tuple[int, ...]] = [
        (design.sizes["term"],),
        (len(tau_labels(design, spec)),),
        *((weights,) if name == "weights" else () for name in spec.auxiliary_parameters),
    ]
    log_density = likelihood_of(design, spec).log_density
    kernel = pytensor.wrap_jax(lambda *parameters: included * log_density(*parameters))

    def logp(_: Any, *parameters: Any) -> Any:
        shaped = zip(parameters, shapes, strict=True)
        return kernel(*(pt.reshape(value, shape) for value, shape in shaped))

    return logp


def _other(name: str, prior: Prior) -> Any:
    """Return an auxiliary parameter of the model that is being built."""
    if name != "weights":
        return prior_variable(name, prior)
    options = {"default_transform": Falling(prior.falling)} if prior.falling else {}
    return prior_variable(name, prior, dims="weight", **options)


def _taus(spec: ModelSpec, strata: int, **options: Any) -> Any:
    """Return the taus of the model that is being built, stratum after stratum."""
    if spec.has_equal_tau_priors:
        return prior_variable("tau", spec.priors["tau"], **options)
    tau = pm.HalfFlat("tau", **options)
    by_stratum = tau.reshape((strata, len(spec.levels)))
    total = spec.tau_prior(spec.levels[0])
    if total.allocation:
        a = np.array(total.allocation)
        length = pt.sqrt((by_stratum**2).sum(1))
        of_shares = 2 * (a - 1) * pt.log(by_stratum / length[:, None]) + pt.log(by_stratum)
        log_density = log_prior_density(total, length) - (2 * len(a) - 1) * pt.log(length)
        pm.Potential("prior_tau", (log_density + of_shares.sum(1)).sum())
        return tau
    parts = [
        log_prior_density(spec.tau_prior(level), by_stratum[:, at]).sum()
        for at, level in enumerate(spec.levels)
    ]
    pm.Potential("prior_tau", pt.sum(pt.stack(parts)))
    return tau


def log_prior_density(prior: Prior, x: Any) -> Any:
    """Return the log density of a prior at a PyTensor variable."""
    if prior.family == "LogStudentT":
        df, mean, scale = prior.parameters
        return pm.logp(pm.StudentT.dist(df, mean, sigma=scale), pt.log(x)) - pt.log(x)
    if prior.family == "RootInverseGamma":
        shape, scale = prior.parameters
        of_square = pm.logp(pm.InverseGamma.dist(shape, scale), x**2)
        return of_square + pt.log(2 * x)
    if prior.falling:
        a, b = prior.distribution.shapes
        weights = x.reshape((-1, prior.falling))
        above = weights_above(weights)
        return pm.logp(pm.Beta.dist(a, b), weights / above) - pt.log(above)
    distribution, parameters = _of_pymc(prior)
    return pm.logp(distribution.dist(**parameters), x)


def _of_pymc(prior: Prior) -> tuple[Any, dict[str, float]]:
    """Return the class of PyMC of a prior, and its parameters by name."""
    distribution, *names = FAMILIES[prior.family].pymc
    return getattr(pm, distribution), dict(zip(names, prior.parameters, strict=True))


def prior_variable(name: str, prior: Prior, **options: Any) -> Any:
    """Return a variable of the model that is being built, with a prior of the model file."""
    if not FAMILIES[prior.family].pymc:
        variable = pm.HalfFlat(name, **options)
        pm.Potential(f"prior_{name}", log_prior_density(prior, variable).sum())
        return variable
    distribution, parameters = _of_pymc(prior)
    return distribution(name, **parameters, **options)
