"""From a design to errors that covary over shared controls, and to draws of errors and random effects of any model."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax import Array

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.likelihood.arguments import nesting_of, taus_of
from bayesmeta.model.likelihood.buckets import Bucket, Controls, error_buckets, indefinite_studies, sharing_studies
from bayesmeta.model.likelihood.conditionals import draw_errors, draw_random_effects
from bayesmeta.model.likelihood.dense import dense_log_likelihood, draw_dense_effects, draw_dense_errors
from bayesmeta.model.likelihood.marginal import Scalar
from bayesmeta.model.spec import ModelSpec

RHO_HIGHEST = 0.99  # up to which errors with an estimated rho must have a covariance


def shared_log_likelihood(design: xr.Dataset, spec: ModelSpec, alone: Callable[..., Array]) -> Callable[..., Array]:
    """`designs.study_log_likelihood`: dense in the studies that share a control, `alone` in the others."""
    nesting, by_level, (shared, buckets) = nesting_of(design), taus_of(design, spec), shared_errors(design, spec)
    x, y = design["X"].values, design["yi"].values

    def by_study(beta: Array, tau: Array, *extras: Array) -> Array:
        rho = dict(zip(spec.auxiliary_parameters, extras, strict=True)).get("rho", spec.rho)
        dense = dense_log_likelihood(y - x @ beta, buckets, by_level(tau), rho, nesting)
        return jnp.where(shared, dense, alone(beta, tau, *extras))

    return by_study


def shared_errors(design: xr.Dataset, spec: ModelSpec) -> tuple[np.ndarray, list[Bucket]]:
    """Of a model with shared controls: the studies that have one (studies,), and the covariance of their errors.

    Raises
    ------
    BadInput
        The errors of a study cannot have this covariance.
    """
    names, nesting = ("control_cluster", "control_side", "n2i", "control_subjects"), nesting_of(design)
    controls = Controls(*(design[name].values for name in names))
    shared = sharing_studies(nesting, controls.cluster)
    buckets = error_buckets(design["yi"].values, design["vi"].values, nesting, controls, shared)
    rho = RHO_HIGHEST if "rho" in spec.auxiliary_parameters else spec.rho
    indefinite = np.union1d(indefinite_studies(buckets, 0.0), indefinite_studies(buckets, rho))
    if bad := [str(study) for study in design["study"].values[indefinite]]:
        raise BadInput(
            f"the sampling errors of {len(bad)} studies ({', '.join(bad[:5])}) cannot covary over shared controls as "
            f"they should with rho = {rho:g}: no positive definite covariance; fix rho lower, or compare vi with n1i, "
            "n2i (it should be that of a standardised mean difference)"
        )
    return shared, buckets


def random_effects_of(design: xr.Dataset, spec: ModelSpec) -> Callable[..., tuple[Array, Array, Array]]:
    """Function of key, residuals (k,), the tau of each level and rho to one exact joint draw of u, w, d."""
    nesting, v = nesting_of(design), design["vi"].values

    def draw(key: Array, r: Array, taus: Mapping[str, Scalar], rho: Scalar) -> tuple[Array, Array, Array]:
        return draw_random_effects(key, r, v, nesting, rho=rho, **{f"tau_{level}": tau for level, tau in taus.items()})

    if not spec.shared_controls:
        return draw
    shared, buckets = shared_errors(design, spec)
    members = shared, shared[nesting.study_of_group], shared[nesting.study_of_effect]

    def draw_shared(key: Array, r: Array, taus: Mapping[str, Scalar], rho: Scalar) -> tuple[Array, Array, Array]:
        keys = jax.random.split(key)
        dense, alone = draw_dense_effects(keys[0], r, buckets, taus, rho, nesting), draw(keys[1], r, taus, rho)
        u, w, d = map(jnp.where, members, dense, alone)
        return u, w, d

    return draw_shared


def errors_of(design: xr.Dataset, spec: ModelSpec) -> Callable[[Array, Scalar], Array]:
    """Function of key and rho to one draw of the sampling errors (k,)."""
    nesting, v = nesting_of(design), design["vi"].values
    if not spec.shared_controls:
        return lambda key, rho: draw_errors(key, v, nesting, rho)
    shared, buckets = shared_errors(design, spec)

    def draw(key: Array, rho: Scalar) -> Array:
        keys = jax.random.split(key)
        dense, alone = draw_dense_errors(keys[0], buckets, rho, v.shape), draw_errors(keys[1], v, nesting, rho)
        return jnp.where(shared[nesting.study_of_effect], dense, alone)

    return draw
