"""From a table of directions to a DataTree: NUTS, then replicates and log-likelihoods."""

from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from pymc.stats import compute_log_prior

from bayesmeta.inference.nuts import start_jax
from bayesmeta.inference.ordinal.model import build_ordered_model
from bayesmeta.inference.ordinal.probabilities import (
    direction_log_probabilities,
    study_log_likelihood,
)
from bayesmeta.infrastructure.choices import check_sampler
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.design.contrasts import with_model
from bayesmeta.model.spec import ModelSpec

PRIOR_DRAWS = 4000
FREE = ("beta", "gap", "tau_study", "z")


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
    """Sample an ordered logit of directions.

    Parameters
    ----------
    design, spec : Dataset, ModelSpec
        From `build_directions`, and its model.
    sampler, draws, tune, chains, seed, steps
        As for `nuts.sample_posterior`.

    Returns
    -------
    DataTree
        posterior, prior: beta (term), gap, tau_study, u (study).
        posterior_predictive, prior_predictive: obs (effect), codes of directions for the same and
        for new studies.
        log_likelihood: obs (effect), given u, and obs_study (study), u integrated out.
        log_prior; sample_stats; observed_data; constant_data: the design with its model.

    Raises
    ------
    BadInput
        Unknown sampler, or quadrature, which is for effect sizes.
    """
    if sampler == "quadrature":
        raise BadInput(
            "quadrature takes effect sizes only; sample a model of directions by numpyro, nutpie "
            "or pymc"
        )
    check_sampler(sampler)
    steps = steps or Steps()
    start_jax(chains)
    model = build_ordered_model(design, spec)
    options: dict[str, Any] = (
        {"nuts": {"chain_method": "vectorized"}} if sampler == "numpyro" else {"backend": "jax"}
    )
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
    log_prior = compute_log_prior(
        tree,
        var_names=list(FREE),
        model=model,
        extend_inferencedata=False,
        progressbar=False,
        backend="jax",
    )
    kept = {"posterior": posterior.drop_vars("z"), "prior": prior}
    likelihood = _log_likelihood(design, posterior)
    return xr.DataTree.from_dict(
        kept
        | {f"{name}_predictive": _replicates(design, part, rng) for name, part in kept.items()}
        | {
            "log_likelihood": likelihood,
            "log_prior": log_prior.as_numpy(),
            "sample_stats": tree["sample_stats"].to_dataset().as_numpy(),
            "observed_data": design[["direction"]].rename(direction="obs").drop_attrs(),
            "constant_data": with_model(design, spec),
        }
    )


def _prior_draws(model: pm.Model, design: xr.Dataset, seed: int) -> xr.Dataset:
    names = ("beta", "gap", "tau_study", "u")
    values = pm.draw(
        [model[name] for name in names], PRIOR_DRAWS, random_seed=seed, mode="FAST_COMPILE"
    )
    dims = {"beta": ["term"], "u": ["study"]}
    drawn = {
        name: (("chain", "draw", *dims.get(name, [])), value[None])
        for name, value in zip(names, values, strict=True)
    }
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
    observed = np.take_along_axis(_log_probabilities(design, draws), direction, -1)
    flat = {
        name: draws[name].values.reshape(-1, *draws[name].shape[2:])
        for name in ("beta", "gap", "tau_study")
    }
    by_study = study_log_likelihood(design, flat["beta"], flat["gap"], flat["tau_study"])
    shape = draws["gap"].shape
    labels = {name: design[name].values for name in ("effect", "study")}
    return xr.Dataset(
        {
            "obs": (("chain", "draw", "effect"), observed[..., 0]),
            "obs_study": (("chain", "draw", "study"), by_study.reshape(*shape, -1)),
        },
        {"chain": draws["chain"], "draw": draws["draw"], **labels},
    )
