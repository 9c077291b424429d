"""From a design to the kernel's arguments, and to each study's log-likelihood as a function of beta and the taus."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax import Array

from bayesmeta.model.likelihood.arguments import columns_of, nesting_of, taus_of
from bayesmeta.model.likelihood.conditionals import place_random_effects
from bayesmeta.model.likelihood.marginal import GroupSums, Nesting, Scalar, group_sums, log_likelihood, residual_sums
from bayesmeta.model.likelihood.selection import (
    Selection,
    integrated_selection,
    log_selection,
    selection_of,
    smd_curvature,
)
from bayesmeta.model.likelihood.sharing import shared_log_likelihood
from bayesmeta.model.likelihood.student import student_log_likelihood
from bayesmeta.model.spec import ModelSpec


def residuals_of(design: xr.Dataset, spec: ModelSpec) -> Callable[..., GroupSums]:
    """Function of beta (p,), the tau of each level and rho to the sums of the residuals.

    Without an effect level and with rho fixed the sums over groups are sufficient and made once.
    """
    nesting, v, columns = nesting_of(design), design["vi"].values, columns_of(design)
    fixed = "effect" not in spec.levels and "rho" not in spec.auxiliary_parameters
    once = jax.jit(lambda: group_sums(columns, v, nesting, rho=spec.rho))() if fixed else None

    def sums(beta: Array, taus: Mapping[str, Scalar], rho: Scalar) -> GroupSums:
        if once is not None:
            return residual_sums(once, beta)
        r = columns[:, -1] - columns[:, :-1] @ beta
        return group_sums(r[:, None], v, nesting, taus.get("effect", 0.0), rho)

    return sums


def study_log_likelihood(design: xr.Dataset, spec: ModelSpec) -> Callable[..., Array]:
    """Function of beta (p,), the taus of `tau_labels` and each of `spec.auxiliary_parameters` to each study's log-likelihood.

    All random effects are integrated out, those of a selection model, too.
    """
    if spec.shared_controls:
        alone = study_log_likelihood(design, replace(spec, shared_controls=False))
        return shared_log_likelihood(design, spec, alone)
    nesting, residuals, by_level = nesting_of(design), residuals_of(design, spec), taus_of(design, spec)
    tilt = tilt_of(design, spec) if "weights" in spec.auxiliary_parameters else None

    def by_study(beta: Array, tau: Array, *extras: Array) -> Array:
        taus, given = by_level(tau), dict(zip(spec.auxiliary_parameters, extras, strict=True))
        sums, tau_group = residuals(beta, taus, given.get("rho", spec.rho)), taus.get("group", 0.0)
        tau_study = taus.get("study", 0.0)
        if "nu" in given:
            return student_log_likelihood(sums, tau_study, tau_group, given["nu"], nesting)
        alone = log_likelihood(sums, tau_study, tau_group, nesting)
        if tilt is None:
            return alone
        tilted = partial(tilt, beta=beta, taus=taus, weights=given["weights"])
        return alone + integrated_selection(tilted, sums, tau_study, tau_group, nesting)

    return by_study


def study_log_density(design: xr.Dataset, spec: ModelSpec) -> Callable[..., Array]:
    """`study_log_likelihood`, but of a selection model given z, a standard normal per unit of each latent level.

    Further arguments: z of the latent levels, highest first, (studies,) and (groups,).
    """
    if "weights" not in spec.auxiliary_parameters:
        return study_log_likelihood(design, spec)
    nesting, residuals, by_level = nesting_of(design), residuals_of(design, spec), taus_of(design, spec)
    tilt = tilt_of(design, spec)

    def by_study(beta: Array, tau: Array, weights: Array, *z: Array) -> Array:
        taus = by_level(tau)
        sums = residuals(beta, taus, 0.0)
        u, w = latent_effects(sums, dict(zip(spec.sampled_levels, z, strict=True)), taus, nesting)
        effects = u[nesting.study_of_effect] + w[nesting.group_of_effect]
        tilted = nesting.by_study(nesting.by_group(tilt(effects, beta=beta, taus=taus, weights=weights)))
        return log_likelihood(sums, taus.get("study", 0.0), taus.get("group", 0.0), nesting) + tilted

    return by_study


def latent_effects(
    sums: GroupSums, z: Mapping[str, Array], taus: Mapping[str, Scalar], nesting: Nesting
) -> tuple[Array, Array]:
    """Random effects u (studies,) and w (groups,) from z by level; zero at a level that the model lacks."""
    return place_random_effects(
        sums,
        z.get("study", jnp.zeros(nesting.studies)),
        z.get("group", jnp.zeros(len(nesting.study_of_group))),
        nesting,
        tau_study=taus.get("study", 0.0),
        tau_group=taus.get("group", 0.0),
    )


def selection_from(design: xr.Dataset, spec: ModelSpec) -> Selection:
    """What a selection model knows of a design's effects."""
    nesting = nesting_of(design)
    stratum = (
        design["study_stratum"].values[nesting.study_of_effect]
        if spec.tau_by
        else np.zeros(design.sizes["effect"], int)
    )
    y, v, direction = (design[name].values for name in ("yi", "vi", "published"))
    sized = {"n1i", "n2i"} <= set(design.data_vars)
    curvature = smd_curvature(y, v, design["n1i"].values, design["n2i"].values) if sized else 0.0
    return selection_of(y, v, direction, spec.cutpoints, stratum, curvature)


def tilt_of(design: xr.Dataset, spec: ModelSpec) -> Callable[..., Array]:
    """Function of the random effects u + w (k,), beta, taus and weights to `log_selection` (k,)."""
    selection, x = selection_from(design, spec), design["X"].values

    def tilt(effects: Array, *, beta: Array, taus: Mapping[str, Scalar], weights: Array) -> Array:
        return log_selection(x @ beta + effects, taus.get("effect", 0.0), weights, selection)

    return tilt
