"""Independent draws of any model that allows them, with k-hat where they are by importance."""

from dataclasses import replace
from typing import Any

import xarray as xr

from bayesmeta.inference.augmented import augmented_posterior
from bayesmeta.inference.laplace import laplace_posterior
from bayesmeta.inference.quadrature import quadrature_posterior
from bayesmeta.inference.structured import structured_posterior
from bayesmeta.model.design import has_unknowns
from bayesmeta.model.likelihood import ExactSmd, check_independent, likelihood_class, refusal
from bayesmeta.model.spec import ModelSpec

GRID_AXES = 3  # above, a grid takes longer than an approximation


def independent_posterior(
    design: xr.Dataset, spec: ModelSpec, *, wide_grid: bool = True, **options: Any
) -> xr.DataTree:
    """Draw independently: from a grid, from working normals, or from an approximation.

    Other options and result are those of `nuts.sample_posterior`, except sampler and tune, and
    `parameters_only`, as for `predictive.complete_tree`.
    Without `wide_grid`, an approximation takes the place of a grid over rho and three taus, which
    takes half a minute. Raise BadInput if the model allows no independent draws.
    """
    check_independent(design, spec)
    if has_unknowns(design):
        return augmented_posterior(design, spec, **options)
    if spec.is_structured:
        return structured_posterior(design, spec, **options)
    if has_grid(design, spec) and (wide_grid or not has_wide_grid(spec)):
        return quadrature_posterior(design, spec, **options)
    return laplace_posterior(design, spec, **options)


def has_grid(design: xr.Dataset, spec: ModelSpec) -> bool:
    """Return whether draws are from a grid, of the model or of its working normal."""
    is_exact = likelihood_class(spec) is ExactSmd
    return not refusal(
        design, replace(spec, likelihood="normal") if is_exact else spec, "quadrature"
    )


def has_wide_grid(spec: ModelSpec) -> bool:
    """Return whether a grid takes half a minute, over rho and three taus."""
    return len(spec.levels) + ("rho" in spec.auxiliary_parameters) > GRID_AXES
