"""The ordered logit as a pm.Model.

direction_i ~ ordered logistic((X beta)_i + u[study], cutpoints -gap, gap)
u           ~ N(0, tau_study^2), as tau_study times standard normals z: few rows leave u to its
              prior
beta        ~ normal, gap, tau_study ~ priors on (0, inf) of the model file
"""

import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from bayesmeta.model.build import prior_variable
from bayesmeta.model.priors import term_prior
from bayesmeta.model.spec import ModelSpec


def build_ordered_model(design: xr.Dataset, spec: ModelSpec) -> pm.Model:
    """Build the model of the module's equations for a design of `build_directions`.

    Free variables are beta (term), gap, tau_study and z (study); further u (study), and obs
    (effect), codes from 0.
    """
    prior = term_prior(design, spec)
    coords = {name: design[name].values for name in ("term", "study", "effect")}
    with pm.Model(coords=coords) as model:
        beta = pm.MvNormal("beta", prior.mean, cov=prior.covariance({}), dims="term")
        gap = prior_variable("gap", spec.priors["gap"])
        tau = prior_variable("tau_study", spec.priors["tau"])
        u = pm.Deterministic("u", tau * pm.Normal("z", dims="study"), dims="study")
        eta = pt.dot(design["X"].values, beta) + u[design["effect_study"].values]
        parameters = {"eta": eta, "cutpoints": pt.stack([-gap, gap]), "compute_p": False}
        observed = design["direction"].values
        pm.OrderedLogistic("obs", observed=observed, dims="effect", **parameters)
    return model
