"""Independent draws of any model that allows them, with k-hat where they are by importance."""

from typing import Any

import xarray as xr

from bayesmeta.inference.quadrature import quadrature_posterior
from bayesmeta.model.likelihood import ExactSmd, check_independent, likelihood_class, refusal
from bayesmeta.model.spec import ModelSpec


def independent_posterior(design: xr.Dataset, spec: ModelSpec, **options: Any) -> xr.DataTree:
    """Draw independently: from a grid, from working normals, or from an approximation.

    Options and result are those of `nuts.sample_posterior`, but for sampler and tune. Raise
    BadInput if the model allows none.
    """
    check_independent(design, spec)
    of_grid = not refusal(design, spec, "quadrature")
    if of_grid or likelihood_class(spec) is ExactSmd:
        return quadrature_posterior(design, spec, **options)
    from bayesmeta.inference.laplace import laplace_posterior  # PyMC and JAX

    return laplace_posterior(design, spec, **options)
