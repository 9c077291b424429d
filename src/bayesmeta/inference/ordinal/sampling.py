"""From a table of directions to a DataTree: NUTS, then replicates and log-likelihoods."""

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from pymc.stats import compute_log_prior

from bayesmeta.inference.compiling import start_jax
from bayesmeta.inference.generated_source import keep_generated_source
from bayesmeta.inference.ordinal.probabilities import (
    direction_log_probabilities,
    study_log_likelihood,
)
from bayesmeta.infrastructure.choices import check_sampler
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.build import prior_variable
from bayesmeta.model.design.contrasts import with_model
from bayesmeta.model.priors import term_prior
from bayesmeta.model.spec import ModelSpec

PRIOR_DRAWS = 4000
FREE = ("beta", "gap", "tau_study", "z")


def build_ordered_model(design: xr.Dataset, spec: ModelSpec) -> pm.Model:
    """Build the ordered logit for a design of `build_directions`.

        direction_i ~ ordered logistic((X beta)_i + u[study], cutpoints -gap, gap)
        u = tau_study z,  z ~ N(0, 1): few rows leave u to its prior
        beta ~ normal;  gap, tau_study ~ priors on (0, inf) of the model file

    Free variables are beta (term), gap, tau_study and z (study); further u (study), and obs
    (effect), codes from 0.
    """
    prior = term_prior(design, spec)
    coords = {name: design[name].values for name in ("term", "study", "effect")}
    with pm.Model(coords=coords) as model:
        beta = pm.MvNormal("beta", prior.mean, cov=prior.covariance({}), dims="term")
        gap = prior_variable("gap", spec.priors["gap"])
        tau = prior_variable("tau_study", spec.tau_prior("study"))
        u = pm.Deterministic("u", tau * pm.Normal("z", dims="study"), dims="study")
        eta = pt.dot(design["X"].values, beta) + u[design["effect_study"].values]
        parameters = {"eta": eta, "cutpoints": pt.stack([-gap, gap]), "compute_p": False}
        observed = design["direction"].values
        pm.OrderedLogistic("obs", observed=observed, dims="effect", **parameters)
    return model


def sample_directions(
    design: xr.Dataset,
    spec: ModelSpec,
    *,
    sampler: str = "numpyro",
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    seed: int = 1,
    steps: Steps | None = None,
) -> xr.DataTree:
    """Sample an ordered logit for a design of `build_directions`; see `nuts.sample_posterior`.

    The tree has posterior, prior: beta (term), gap, tau_study, u (study); posterior_predictive,
    prior_predictive: obs (effect), codes of directions for the same and for new studies;
    log_likelihood: obs (effect), given u, and obs_study (study), u integrated out; log_prior;
    sample_stats; observed_data; constant_data: the design with its model. Raise BadInput if the
    sampler is unknown, or quadrature, which is for effect sizes.
    """
    if sampler == "quadrature":
        better = "sample a model of directions by numpyro, nutpie or pymc"
        raise BadInput(f"quadrature takes effect sizes only; {better}")
    check_sampler(sampler)
    steps = steps or Steps()
    start_jax(chains)
    keep_generated_source()
    model = build_ordered_model(design, spec)
    options: dict[str, Any] = {"backend": "jax"}
    if sampler == "numpyro":
        options = {"nuts": {"chain_method": "vectorized"}}
    with steps(f"sampling {chains} x {tune + draws} draws"):
        tree = pm.sample(
            draws,
            tune=tune,
            chains=chains,
            random_seed=seed,
            model=model,
            nuts_sampler=sampler,
            target_accept=0.95,  # a study effect of few rows and its tau form a short funnel
            progressbar=False,
            quiet=True,
            compute_convergence_checks=False,
            **options,
        )
    with steps("replicates and log-likelihoods"):
        return _complete(tree, model, design, spec, seed=seed)


def _complete(
    tree: xr.DataTree, model: pm.Model, design: xr.Dataset, spec: ModelSpec, *, seed: int
) -> xr.DataTree:
    posterior = tree["posterior"].to_dataset().as_numpy()
    rng = np.random.default_rng(seed)
    prior = _prior_draws(model, design, seed)
    settings = {"extend_inferencedata": False, "progressbar": False, "backend": "jax"}
    log_prior = compute_log_prior(tree, var_names=list(FREE), model=model, **settings)
    kept = {"posterior": posterior.drop_vars("z"), "prior": prior}
    groups = {
        **kept,
        **{f"{name}_predictive": _replicates(design, part, rng) for name, part in kept.items()},
        "log_likelihood": _log_likelihood(design, posterior),
        "log_prior": log_prior.as_numpy(),
        "sample_stats": tree["sample_stats"].to_dataset().as_numpy(),
        "observed_data": design[["direction"]].rename(direction="obs").drop_attrs(),
        "constant_data": with_model(design, spec),
    }
    return xr.DataTree.from_dict(groups)


def _prior_draws(model: pm.Model, design: xr.Dataset, seed: int) -> xr.Dataset:
    dims = {"beta": ["term"], "gap": [], "tau_study": [], "u": ["study"]}
    variables = [model[name] for name in dims]
    values = pm.draw(variables, PRIOR_DRAWS, random_seed=seed, mode="FAST_COMPILE")
    named = zip(dims.items(), values, strict=True)
    drawn = {name: (("chain", "draw", *dim), value[None]) for (name, dim), value in named}
    labels = {name: design[name].values for name in ("term", "study")}
    return xr.Dataset(drawn, {"chain": [0], "draw": range(PRIOR_DRAWS), **labels})


def _log_probabilities(design: xr.Dataset, draws: xr.Dataset) -> np.ndarray:
    """Return the log probabilities of the directions given u (chain, draw, effect, 3)."""
    of_rows = np.einsum("cdt,et->cde", draws["beta"].values, design["X"].values)
    eta = of_rows + draws["u"].values[:, :, design["effect_study"].values]
    return direction_log_probabilities(eta, draws["gap"].values[:, :, None])


def _replicates(design: xr.Dataset, draws: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
    cumulative = np.exp(_log_probabilities(design, draws)).cumsum(axis=-1)[..., :-1]
    codes = (rng.random(cumulative.shape[:-1])[..., None] > cumulative).sum(axis=-1)
    coords = {"chain": draws["chain"], "draw": draws["draw"], "effect": design["effect"].values}
    return xr.Dataset({"obs": (("chain", "draw", "effect"), codes)}, coords)


def _log_likelihood(design: xr.Dataset, draws: xr.Dataset) -> xr.Dataset:
    direction = design["direction"].values[None, None, :, None]
    observed = np.take_along_axis(_log_probabilities(design, draws), direction, -1)[..., 0]
    parameters = (draws[name].values for name in ("beta", "gap", "tau_study"))
    flat = (values.reshape(-1, *values.shape[2:]) for values in parameters)
    by_study = study_log_likelihood(design, *flat).reshape(*draws["gap"].shape, -1)
    dims = ("chain", "draw")
    variables = {"obs": ((*dims, "effect"), observed), "obs_study": ((*dims, "study"), by_study)}
    labels = {name: design[name].values for name in ("effect", "study")}
    return xr.Dataset(variables, {"chain": draws["chain"], "draw": draws["draw"], **labels})
