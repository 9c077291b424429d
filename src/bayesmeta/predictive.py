"""From draws of (beta, tau) to a whole tree: random effects, replicates, log-likelihoods, the prior beside them."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pymc as pm
import xarray as xr
from jax import Array
from pymc.stats import compute_log_prior

from bayesmeta.likelihood import (
    draw_errors,
    draw_random_effects,
    draw_scales,
    nesting_of,
    residuals_of,
    study_log_likelihood,
    tau_labels,
    taus_of,
)
from bayesmeta.priors import spread_name
from bayesmeta.spec import ModelSpec

PRIOR_DRAWS = 1000


class Programs(NamedTuple):
    """Compiled functions of keys, beta and taus of all draws: effects and replicates given the data, and anew."""

    given_data: Callable[..., dict[str, Array]]
    anew: Callable[..., dict[str, Array]]


def compile_programs(design: xr.Dataset, spec: ModelSpec, draws: int) -> Programs:
    """Compile for so many posterior draws in all: done in another thread, it costs no time while a sampler runs."""
    batch = int(np.clip(2_000_000 // design.sizes["effect"], 1, 500))

    def ready(draw: Callable[..., dict[str, Array]], count: int) -> Callable[..., dict[str, Array]]:
        sizes = [
            (count, design.sizes["term"]),
            (count, len(tau_labels(design, spec))),
            *[(count, 1)] * len(tails(spec)),
        ]
        shapes = [jax.eval_shape(partial(_keys, 0, count)), *(jax.ShapeDtypeStruct(size, float) for size in sizes)]
        program = jax.jit(lambda *xs: jax.lax.map(lambda x: draw(*x), xs, batch_size=batch))
        return program.lower(*shapes).compile()

    return Programs(ready(_draw_given_data(design, spec), draws), ready(_draw_anew(design, spec), PRIOR_DRAWS))


def tails(spec: ModelSpec) -> list[str]:
    """Parameters that the likelihood has besides beta and tau."""
    return ["nu"] if spec.likelihood == "student" else []


def _keys(seed: int, count: int) -> Array:
    return jax.random.split(jax.random.key(seed), count)


def complete_tree(
    tree: xr.DataTree, model: pm.Model, design: xr.Dataset, spec: ModelSpec, programs: Programs, *, seed: int
) -> xr.DataTree:
    """Add to draws of (beta, tau) the groups that follow from them, each drawn from its exact conditional.

    Parameters
    ----------
    tree : DataTree
        posterior: beta (chain, draw, term) and tau (chain, draw, level); sample_stats.
    model : pm.Model
        From `model.build_model`, for draws and densities of the prior.
    design, spec : Dataset, ModelSpec
        What the model was built from.
    programs : Programs
        From `compile_programs`, for as many draws as the tree has.
    seed : int
        Of every random step.

    Returns
    -------
    DataTree
        The groups that `sampling.sample_posterior` lists.
    """
    posterior = tree["posterior"].to_dataset().as_numpy()
    prior = _prior_draws(model, design, spec, seed)
    log_prior = compute_log_prior(tree, model=model, extend_inferencedata=False, progressbar=False, backend="jax")
    exact = _exact(programs.given_data, posterior, design, spec, seed=seed)
    new = _exact(programs.anew, prior, design, spec, seed=seed + 1)
    effects = [name for name in ("u", "w", "d") if name in exact]
    groups = {
        "posterior": _by_level(posterior, design, spec).merge(exact[effects]).assign_attrs(posterior.attrs),
        "posterior_predictive": exact[["obs"]],
        "prior": _by_level(prior, design, spec),
        "prior_predictive": new[["obs"]],
        "log_likelihood": exact[["log_obs", "obs_study"]].rename(log_obs="obs"),
        "log_prior": _by_level(log_prior, design, spec).as_numpy(),
        "sample_stats": tree["sample_stats"].to_dataset().as_numpy(),
        "observed_data": design[["yi"]].rename(yi="obs").drop_attrs(),
        "constant_data": design.assign_attrs(model=spec.text, model_name=spec.name),
    }
    return xr.DataTree.from_dict(groups)


def _prior_draws(model: pm.Model, design: xr.Dataset, spec: ModelSpec, seed: int) -> xr.Dataset:
    spreads = [spread_name(part) for part in spec.spreads]
    names = ["beta", "tau", *spreads, *tails(spec)]
    values = pm.draw([model[name] for name in names], PRIOR_DRAWS, random_seed=seed, mode="FAST_COMPILE")
    dims: dict[str, list[str]] = {"beta": ["term"], "tau": ["level"]}
    return xr.Dataset(
        {
            name: (("chain", "draw", *dims.get(name, [])), value[None])
            for name, value in zip(names, values, strict=True)
        },
        {"chain": [0], "draw": range(PRIOR_DRAWS), "term": design["term"].values, "level": tau_labels(design, spec)},
    )


def _exact(
    program: Callable[..., dict[str, Array]], parameters: xr.Dataset, design: xr.Dataset, spec: ModelSpec, *, seed: int
) -> xr.Dataset:
    """Random effects, replicates and log-likelihoods for each draw of (beta, tau), in batches that fit in memory."""
    shape = parameters["beta"].shape[:2]
    names = ["beta", "tau", *tails(spec)]
    values = [jnp.asarray(parameters[name].values.reshape(np.prod(shape), -1)) for name in names]
    results = program(_keys(seed, len(values[0])), *values)
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
    nesting, by_study, by_level = nesting_of(design), study_log_likelihood(design, spec), taus_of(design, spec)
    residuals = residuals_of(design, spec)
    x, y, v = (jnp.asarray(design[name].values) for name in ("X", "yi", "vi"))

    def draw(key: Array, beta: Array, tau: Array, *nu: Array) -> dict[str, Array]:
        own, errors, scales = jax.random.split(key, 3)
        levels = by_level(tau)
        if nu:
            sums, tau_group = residuals(beta, levels), levels.get("group", 0.0)
            levels["study"] = levels["study"] * jnp.sqrt(
                draw_scales(scales, sums, levels["study"], tau_group, nu[0][0], nesting)
            )
        taus = {f"tau_{level}": value for level, value in levels.items()}
        u, w, d = draw_random_effects(own, y - x @ beta, v, nesting, rho=spec.rho, **taus)
        mean = x @ beta + u[nesting.study_of_effect] + w[nesting.group_of_effect]
        replicate = mean + d + draw_errors(errors, v, nesting, spec.rho)
        spread = jnp.sqrt(v + jnp.square(taus.get("tau_effect", 0.0)))
        return _kept(spec, u=u, w=w, d=d) | {
            "obs": replicate.astype(jnp.float32),
            "log_obs": jax.scipy.stats.norm.logpdf(y, mean, spread).astype(jnp.float32),
            "obs_study": by_study(beta, tau, *(one[0] for one in nu)),
        }

    return draw


def _draw_anew(design: xr.Dataset, spec: ModelSpec) -> Callable[..., dict[str, Array]]:
    nesting, by_level = nesting_of(design), taus_of(design, spec)
    x, v = (jnp.asarray(design[name].values) for name in ("X", "vi"))

    def draw(key: Array, beta: Array, tau: Array, *nu: Array) -> dict[str, Array]:
        keys = jax.random.split(key, 4)
        members = {"study": nesting.study_of_effect, "group": nesting.group_of_effect, "effect": np.arange(len(v))}
        replicate = x @ beta + draw_errors(keys[0], v, nesting, spec.rho)
        for own, (level, sd) in zip(keys[1:], by_level(tau).items(), strict=False):
            shape = (design.sizes[level],)
            heavy = level == "study" and nu
            standard = jax.random.t(own, nu[0][0], shape) if heavy else jax.random.normal(own, shape)
            replicate += (sd * standard)[members[level]]
        return {"obs": replicate.astype(jnp.float32)}

    return draw


def _kept(spec: ModelSpec, **effects: Array) -> dict[str, Array]:
    symbols = {"study": "u", "group": "w", "effect": "d"}
    return {symbols[level]: effects[symbols[level]] for level in spec.levels}


def _by_level(draws: xr.Dataset, design: xr.Dataset, spec: ModelSpec) -> xr.Dataset:
    """One variable per level, tau_study and so on, in place of tau over `level`; over `stratum` where they differ."""
    strata = design["stratum"].values if spec.tau_by else np.array([], str)
    split = {}
    for level in spec.levels:
        labels = [f"{stratum}:{level}" for stratum in strata] or [level]
        found = [draws["tau"].sel(level=label, drop=True) for label in labels]
        split[f"tau_{level}"] = xr.concat(found, xr.Variable("stratum", strata)) if len(strata) else found[0]
    taus = xr.Dataset(split).transpose("chain", "draw", ...)
    return draws.drop_vars("tau").drop_dims("level", errors="ignore").merge(taus)
