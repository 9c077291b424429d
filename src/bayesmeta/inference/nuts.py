"""From a design to a DataTree: NUTS over the parameters, then exact draws of all that follows."""

from collections.abc import Sequence
from typing import Any

import jax
import pymc as pm
import xarray as xr

from bayesmeta.inference.compiling import start_jax
from bayesmeta.inference.generated_source import keep_generated_source
from bayesmeta.inference.predictive import complete_tree
from bayesmeta.infrastructure.choices import check_sampler
from bayesmeta.infrastructure.progress import Steps
from bayesmeta.model.build import build_model
from bayesmeta.model.likelihood import check_engine
from bayesmeta.model.spec import ModelSpec
from bayesmeta.model.start import guess_start, initial_values

ACCEPT = (0.9, 0.99)  # target acceptance, and that of a second run if draws diverged


def sample_posterior(
    design: xr.Dataset,
    spec: ModelSpec,
    *,
    sampler: str = "numpyro",
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    seed: int = 1,
    without: Sequence[str] = (),
    steps: Steps | None = None,
) -> xr.DataTree:
    """Sample a model for a design of `design.build_design`.

    The `sampler` is numpyro, nutpie or pymc: the implementation of NUTS. `draws` are kept and
    `tune` warm up per chain; `seed` is that of every random step. The studies `without` are left
    out of the posterior; log_likelihood has their predictive density. Raise BadInput if the sampler
    is unknown or not installed.

    The tree has posterior: beta (term); tau_<level>, by stratum if taus differ by it; sd_<part> of
    partially pooled terms; nu, rho, weights (weight) if estimated; u (study), w (group) and d
    (effect) if the model has the level. posterior_predictive, prior_predictive: obs (effect),
    replicates of yi for the same and for new studies. log_likelihood: obs_study (study), marginal,
    and obs (effect), given u and w; of a large table summaries (`predictive.complete_tree`). prior;
    log_prior; sample_stats; observed_data. constant_data: the design, the model (in its attributes)
    and the contrast weights.
    """
    check_sampler(sampler)
    check_engine(design, spec, "nuts")
    steps = steps or Steps()
    start_jax(chains)
    keep_generated_source()
    with steps("building the model"):
        start = guess_start(design, spec)
        model = build_model(design, spec, start, without=without)
    tree = _sample(
        steps,
        draws=draws,
        tune=tune,
        chains=chains,
        random_seed=seed,
        model=model,
        nuts_sampler=sampler,
        initvals=initial_values(start, design, spec),
        progressbar=steps.console is not None and sampler != "numpyro",
        quiet=steps.console is None or sampler == "numpyro",
        compute_convergence_checks=False,
        jitter_max_retries=0,  # the density is finite everywhere, and a check costs a second
        **_options(sampler, chains),
    )
    groups = (tree[group].to_dataset() for group in ("posterior", "sample_stats"))
    posterior, stats = (group.as_numpy() for group in groups)
    with steps("exact random effects"):
        return complete_tree(posterior, stats, design, spec, seed=seed)


def _sample(steps: Steps, *, nuts: dict[str, Any], **settings: Any) -> xr.DataTree:
    """Draw at the first target acceptance at which no draw diverges, or at the last."""
    title = f"sampling {settings['chains']} x {settings['tune'] + settings['draws']} draws"
    for accept in ACCEPT:
        with steps(title):
            tree = pm.sample(nuts=nuts | {"target_accept": accept}, **settings)
        diverged = tree["sample_stats"].get("diverging", xr.DataArray(0))
        tree["sample_stats"].attrs["target_accept"] = accept
        if not diverged.any():
            break
        title = "sampling again in smaller steps"
    return tree


def _options(sampler: str, chains: int) -> dict[str, Any]:
    if sampler != "numpyro":
        return {"backend": "jax", "nuts": {}}
    has_devices = jax.default_backend() == "cpu" and jax.local_device_count() >= chains
    method = "parallel" if has_devices else "vectorized"
    return {"nuts": {"dense_mass": True, "chain_method": method}}
