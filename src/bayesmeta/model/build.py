r"""The model: nested random effects around the cell means, on the exact marginal likelihood.

    y_i     = (X beta)_i + u[study] + w[group] + d[effect] + e_i
    u       ~ N(0, tau_study^2)            or tau_study t(nu), heavy tails, in a Student model
    w       ~ N(0, tau_group^2)
    d       ~ N(0, tau_effect^2)           in the four-level model
    e       ~ N(0, V)                      V known; rho correlates the errors within a group
    beta    ~ N(m, sum of parts)           cell means, from the model file; a part may have a spread (`priors`)
    spread  ~ a prior on (0, inf)          where terms are partially pooled
    tau     ~ a prior on (0, inf)          one per level, or per level and stratum, from the model file
    rho     ~ a prior on (0, 1)            where it is estimated
    y_i     published with weight omega    in a selection model, by its p-value: `likelihood.selection`

u, w and d are integrated out (`likelihood`), so NUTS moves in beta and tau alone: nothing to centre, no funnel. What is
left is made nearly round by exact changes of coordinates (`coordinates`): beta is whitened, and the taus are polar,
because the data know their total better than how it splits, and one of them may lie against zero. Only a selection
model samples u and w: as standard normals z that their exact conditional distribution places.
"""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr

from bayesmeta.model.coordinates import Polar, Start, Whitened
from bayesmeta.model.likelihood import likelihood_of, tau_labels, weight_labels
from bayesmeta.model.priors import pooling_sd_name, term_prior
from bayesmeta.model.spec import FAMILIES, ModelSpec, Prior

jax.config.update("jax_enable_x64", True)  # in 32 bits the likelihood is wrong in the third digit

AUXILIARY_DIMS = {"weights": "weight"}


def build_model(
    design: xr.Dataset, spec: ModelSpec, start: Start, *, without: Sequence[str] = ()
) -> pm.Model:
    """Build the model of the module's equations.

    Parameters
    ----------
    design : Dataset
        From `design.build_design`.
    spec : ModelSpec
        Terms, levels, rho, priors.
    start : Start
        Where the coordinates are centred; changes the speed of sampling, not the posterior.
    without : sequence of str
        Studies whose likelihood counts for nothing.

    Returns
    -------
    pm.Model
        Free variables beta (term), tau (level, within each stratum), the pooling sds, each of
        `spec.auxiliary_parameters` (weights over `weight`) and z of the sampled levels (z_study over `study`, z_group
        over `group`). The likelihood node `obs_study` has one value per study: the data enter through the kernel, and
        its `observed` zeros only give it a shape, so that PyMC's tools see one log-likelihood per study.
    """
    prior = term_prior(design, spec)
    density, taus = likelihood_of(design, spec).log_density, tau_labels(design, spec)
    included = np.where(np.isin(design["study"].values, list(without)), 0.0, 1.0)
    kernel = pytensor.wrap_jax(lambda *parameters: included * density(*parameters))

    sizes = {
        "beta": start.beta.shape,
        "tau": start.tau.shape,
        "weights": (len(weight_labels(design, spec)),),
    }
    sizes |= {f"z_{level}": (design.sizes[level],) for level in spec.sampled_levels}
    names = (
        "beta",
        "tau",
        *spec.auxiliary_parameters,
        *(f"z_{level}" for level in spec.sampled_levels),
    )

    def logp(_: Any, *parameters: Any) -> Any:
        named = zip(names, parameters, strict=True)
        return kernel(*(pt.reshape(value, sizes.get(name, ())) for name, value in named))

    coords = {"term": design["term"].values, "level": taus, "weight": weight_labels(design, spec)}
    coords |= {level: design[level].values for level in ("study", "group")}
    with pm.Model(coords=coords) as model:
        whitened, polar = (
            Whitened(start.precision, start.pull),
            Polar(len(spec.levels), len(taus) // len(spec.levels)),
        )
        pooling_sds = {
            part: prior_variable(pooling_sd_name(part), prior)
            for part, prior in spec.pooling_sds.items()
        }
        covariance = prior.covariance(pooling_sds)
        beta = pm.MvNormal(
            "beta", prior.mean, cov=covariance, dims="term", default_transform=whitened
        )
        tau = prior_variable("tau", spec.priors["tau"], dims="level", default_transform=polar)
        auxiliary = [
            prior_variable(key, spec.priors[key], dims=AUXILIARY_DIMS.get(key))
            for key in spec.auxiliary_parameters
        ]
        normals = [pm.Normal(f"z_{level}", dims=level) for level in spec.sampled_levels]
        observed = np.zeros(design.sizes["study"])
        pm.CustomDist(
            "obs_study", beta, tau, *auxiliary, *normals, logp=logp, observed=observed, dims="study"
        )
    return model


def prior_variable(name: str, prior: Prior, **options: Any) -> Any:
    """Return a variable of the model that is being built, with a prior of the model file."""
    distribution, *parameters = FAMILIES[prior.family].pymc
    return getattr(pm, distribution)(
        name, **dict(zip(parameters, prior.parameters, strict=True)), **options
    )
