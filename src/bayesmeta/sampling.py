"""From a design to a DataTree: NUTS over (beta, tau), then everything that has an exact conditional drawn exactly."""

import os
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import platformdirs
import pymc as pm
import xarray as xr
from jax import Array
from pymc.stats import compute_log_prior

from bayesmeta.coordinates import guess_start
from bayesmeta.errors import BadInput
from bayesmeta.likelihood import draw_errors, draw_random_effects, nesting_of, study_log_likelihood
from bayesmeta.model import build_model
from bayesmeta.progress import Steps
from bayesmeta.spec import ModelSpec

SAMPLERS = ("numpyro", "nutpie", "pymc")
PRIOR_DRAWS = 1000


def start_jax(devices: int) -> None:
    """Set up JAX before its first use: 64 bits, one host device per chain, compiled programs kept between runs."""
    cache = os.environ.get("BAYESMETA_CACHE") or platformdirs.user_cache_dir("bayesmeta")
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_compilation_cache_dir", os.path.join(cache, "jax"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    with suppress(RuntimeError):  # JAX has started already; the chains then share its devices
        jax.config.update("jax_num_cpu_devices", devices)


def sample_posterior(
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
    """Sample a model.

    Parameters
    ----------
    design : Dataset
        From `design.build_design`.
    spec : ModelSpec
        The model's choices.
    sampler : {"numpyro", "nutpie", "pymc"}
        NUTS implementation.
    draws, tune, chains, seed : int
        Kept and warm-up draws per chain, chains, seed of every random step.
    steps : Steps, optional
        Shows and times what is being done.

    Returns
    -------
    DataTree
        posterior: beta (term), tau_<level>, u (study), w (group) and d (effect) where the model has the level;
        posterior_predictive, prior_predictive: obs (effect), a replicate of yi for the same and for new studies;
        prior; log_likelihood: obs_study (study), marginal, and obs (effect), given u and w; log_prior; sample_stats;
        observed_data; constant_data: the design, and in its attributes the model.

    Raises
    ------
    BadInput
        Unknown sampler, or one that is not installed.
    """
    check_sampler(sampler)
    steps = steps or Steps()
    start_jax(chains)
    with steps("building the model"):
        start = guess_start(design, spec)
        model = build_model(design, spec, start)
    with steps(f"sampling {chains} x {tune + draws} draws"):
        tree = pm.sample(
            draws,
            tune=tune,
            chains=chains,
            random_seed=seed,
            model=model,
            nuts_sampler=sampler,
            initvals={"beta": start.beta, "tau": start.tau},
            progressbar=steps.console is not None and sampler != "numpyro",
            quiet=steps.console is None or sampler == "numpyro",
            compute_convergence_checks=False,
            **_options(sampler, chains),
        )
    with steps("exact random effects"):
        return complete_tree(tree, model, design, spec, seed=seed)


def check_sampler(sampler: str) -> None:
    """Refuse a sampler that is unknown or not installed."""
    if sampler not in SAMPLERS:
        raise BadInput(f"unknown sampler '{sampler}'; the samplers are: {', '.join(SAMPLERS)}")
    if find_spec(sampler) is None:
        raise BadInput(f"the sampler '{sampler}' is not installed; install it with: pip install 'bayesmeta[{sampler}]'")


def complete_tree(tree: xr.DataTree, model: pm.Model, design: xr.Dataset, spec: ModelSpec, *, seed: int) -> xr.DataTree:
    """Add to draws of (beta, tau) the groups that follow from them; see `sample_posterior`."""
    posterior = tree["posterior"].to_dataset().as_numpy()
    prior = _prior_draws(model, design, spec, seed)
    log_prior = compute_log_prior(tree, model=model, extend_inferencedata=False, progressbar=False, backend="jax")
    exact = _exact(posterior, design, spec, seed=seed, conditional=True)
    new = _exact(prior, design, spec, seed=seed + 1, conditional=False)
    effects = [name for name in ("u", "w", "d") if name in exact]
    groups = {
        "posterior": _by_level(posterior, spec).merge(exact[effects]).assign_attrs(posterior.attrs),
        "posterior_predictive": exact[["obs"]],
        "prior": _by_level(prior, spec),
        "prior_predictive": new[["obs"]],
        "log_likelihood": exact[["log_obs", "obs_study"]].rename(log_obs="obs"),
        "log_prior": _by_level(log_prior, spec).as_numpy(),
        "sample_stats": tree["sample_stats"].to_dataset().as_numpy(),
        "observed_data": design[["yi"]].rename(yi="obs").drop_attrs(),
        "constant_data": design.assign_attrs(model=spec.text, model_name=spec.name),
    }
    return xr.DataTree.from_dict(groups)


def _options(sampler: str, chains: int) -> dict[str, Any]:
    if sampler == "numpyro":
        on_own_device = jax.default_backend() == "cpu" and jax.local_device_count() >= chains
        return {"nuts": {"dense_mass": True, "chain_method": "parallel" if on_own_device else "vectorized"}}
    return {"backend": "jax"}


def _prior_draws(model: pm.Model, design: xr.Dataset, spec: ModelSpec, seed: int) -> xr.Dataset:
    beta, tau = pm.draw([model["beta"], model["tau"]], PRIOR_DRAWS, random_seed=seed, mode="FAST_COMPILE")
    return xr.Dataset(
        {"beta": (("chain", "draw", "term"), beta[None]), "tau": (("chain", "draw", "level"), tau[None])},
        coords={"chain": [0], "draw": range(PRIOR_DRAWS), "term": design["term"], "level": list(spec.levels)},
    )


def _exact(parameters: xr.Dataset, design: xr.Dataset, spec: ModelSpec, *, seed: int, conditional: bool) -> xr.Dataset:
    """Random effects, replicates and log-likelihoods for each draw of (beta, tau), in batches that fit in memory."""
    shape = parameters["beta"].shape[:2]
    beta, tau = (jnp.asarray(parameters[name].values.reshape(np.prod(shape), -1)) for name in ("beta", "tau"))
    keys = jax.random.split(jax.random.key(seed), len(beta))
    draw = _draw_given_data(design, spec) if conditional else _draw_anew(design, spec)
    batch = int(np.clip(2_000_000 // design.sizes["effect"], 1, 500))
    results = jax.jit(lambda *xs: jax.lax.map(lambda x: draw(*x), xs, batch_size=batch))(keys, beta, tau)
    dims = {
        "u": "study",
        "w": "group",
        "d": "effect",
        "obs": "effect",
        "log_obs": "effect",
        "obs_study": "study",
    }
    return xr.Dataset(
        {
            name: (("chain", "draw", dims[name]), np.asarray(values).reshape(*shape, -1))
            for name, values in results.items()
        },
        coords={name: parameters[name] for name in ("chain", "draw")}
        | {name: design[name] for name in ("study", "group", "effect")},
    )


def _draw_given_data(design: xr.Dataset, spec: ModelSpec) -> Callable[..., dict[str, Array]]:
    nesting, by_study = nesting_of(design), study_log_likelihood(design, spec)
    x, y, v = (jnp.asarray(design[name].values) for name in ("X", "yi", "vi"))

    def draw(key: Array, beta: Array, tau: Array) -> dict[str, Array]:
        taus = {f"tau_{level}": value for level, value in zip(spec.levels, tau, strict=True)}
        own, errors = jax.random.split(key)
        u, w, d = draw_random_effects(own, y - x @ beta, v, nesting, rho=spec.rho, **taus)
        mean = x @ beta + u[nesting.study_of_effect] + w[nesting.group_of_effect]
        replicate = mean + d + draw_errors(errors, v, nesting, spec.rho)
        spread = jnp.sqrt(v + jnp.square(taus.get("tau_effect", 0.0)))
        return _kept(spec, u=u, w=w, d=d) | {
            "obs": replicate.astype(jnp.float32),
            "log_obs": jax.scipy.stats.norm.logpdf(y, mean, spread).astype(jnp.float32),
            "obs_study": by_study(beta, tau),
        }

    return draw


def _draw_anew(design: xr.Dataset, spec: ModelSpec) -> Callable[..., dict[str, Array]]:
    nesting = nesting_of(design)
    x, v = (jnp.asarray(design[name].values) for name in ("X", "vi"))

    def draw(key: Array, beta: Array, tau: Array) -> dict[str, Array]:
        taus = dict(zip(spec.levels, tau, strict=True))
        keys = jax.random.split(key, 4)
        u = taus.get("study", 0.0) * jax.random.normal(keys[0], (nesting.studies,))
        w = taus.get("group", 0.0) * jax.random.normal(keys[1], nesting.study_of_group.shape)
        d = taus.get("effect", 0.0) * jax.random.normal(keys[2], v.shape)
        theta = x @ beta + u[nesting.study_of_effect] + w[nesting.group_of_effect] + d
        return {"obs": (theta + draw_errors(keys[3], v, nesting, spec.rho)).astype(jnp.float32)}

    return draw


def _kept(spec: ModelSpec, **effects: Array) -> dict[str, Array]:
    symbols = {"study": "u", "group": "w", "effect": "d"}
    return {symbols[level]: effects[symbols[level]] for level in spec.levels}


def _by_level(draws: xr.Dataset, spec: ModelSpec) -> xr.Dataset:
    """One variable per level, tau_study and so on, in place of tau over `level`."""
    split = {f"tau_{level}": draws["tau"].sel(level=level, drop=True) for level in spec.levels}
    return draws.drop_vars("tau").drop_dims("level", errors="ignore").assign(split)
