"""From a design to the kernel's arguments: nesting, columns, taus and what they are called."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import xarray as xr
from jax import Array

from bayesmeta.model.likelihood.marginal import Nesting
from bayesmeta.model.spec import ModelSpec


def nesting_of(design: xr.Dataset) -> Nesting:
    """Nesting of a design's effects."""
    return Nesting(design["effect_group"].values, design["group_study"].values, design.sizes["study"])


def columns_of(design: xr.Dataset) -> np.ndarray:
    """The columns [X, y] (k, p + 1)."""
    return np.column_stack([design["X"].values, design["yi"].values])


def tau_labels(design: xr.Dataset, spec: ModelSpec) -> list[str]:
    """One label per tau: `study`, `group`; where they differ by stratum, stratum by stratum `human:study`."""
    if not spec.tau_by:
        return list(spec.levels)
    return [f"{stratum}:{level}" for stratum in design["stratum"].values for level in spec.levels]


def weight_labels(design: xr.Dataset, spec: ModelSpec) -> list[str]:
    """One label per weight of a selection model: `.025 < p < .5`, `p > .5`; stratum by stratum `human:p > .5`."""
    if "weights" not in spec.auxiliary_parameters:
        return []
    cuts = [f"{cutpoint:g}".lstrip("0") for cutpoint in spec.cutpoints]
    steps = [f"{low} < p < {high}" for low, high in pairwise(cuts)] + [f"p > {cuts[-1]}"]
    return [f"{of}:{step}" for of in design["stratum"].values for step in steps] if spec.tau_by else steps


def taus_of(design: xr.Dataset, spec: ModelSpec) -> Callable[[Array], dict[str, Array]]:
    """Function of all taus, in the order of `tau_labels`, to the tau of each level.

    A scalar; where taus differ by stratum, that of each study (studies,), group (groups,) and effect (k,).
    """
    if not spec.tau_by:
        return lambda tau: dict(zip(spec.levels, tau, strict=True))
    nesting, of_study = nesting_of(design), design["study_stratum"].values
    stratum = {
        "study": of_study,
        "group": of_study[nesting.study_of_group],
        "effect": of_study[nesting.study_of_effect],
    }
    size = len(spec.levels)
    return lambda tau: {level: tau[stratum[level] * size + at] for at, level in enumerate(spec.levels)}
