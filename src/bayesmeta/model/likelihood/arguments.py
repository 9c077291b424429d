"""From a design to the arguments of the kernel: nesting, columns, taus and their labels."""

from copy import copy
from itertools import pairwise
from typing import NamedTuple, Self

import numpy as np
import xarray as xr

from bayesmeta.model.likelihood.arrays import Array, Scalar
from bayesmeta.model.likelihood.nesting import Nesting
from bayesmeta.model.spec import ModelSpec


def nesting_of(design: xr.Dataset) -> Nesting:
    """Return the nesting of a design's effects in groups and studies."""
    counts = (design.sizes["group"], design.sizes["study"])
    return Nesting.of(design["effect_group"].values, design["group_study"].values, counts=counts)


def columns_of(design: xr.Dataset) -> np.ndarray:
    """Return the columns [X, y] (k, p + 1)."""
    return np.column_stack([design["X"].values, design["yi"].values])


def tau_labels(design: xr.Dataset, spec: ModelSpec) -> list[str]:
    """Return a label for every tau: `study`, `group`; by stratum `human:study`, ..."""
    if not spec.tau_by:
        return list(spec.levels)
    return [f"{stratum}:{level}" for stratum in design["stratum"].values for level in spec.levels]


def weight_labels(design: xr.Dataset, spec: ModelSpec) -> list[str]:
    """Return a label for every publication weight: `.025 < p < .5`; by stratum `human:p > .5`.

    Beta weights have `a` and `b`.
    """
    if "weights" not in spec.auxiliary_parameters:
        return []
    cuts = [f"{cutpoint:g}".lstrip("0") for cutpoint in spec.cutpoints]
    steps = [f"{low} < p < {high}" for low, high in pairwise(cuts)] + [f"p > {cuts[-1]}"]
    if spec.weight_function == "beta":
        steps = ["a", "b"]
    if not spec.tau_by:
        return steps
    return [f"{stratum}:{step}" for stratum in design["stratum"].values for step in steps]


class Taus(NamedTuple):
    """Standard deviations by level, 0 at a level that the model lacks; shapes as for `marginal`."""

    group: Scalar = 0.0
    study: Scalar = 0.0
    effect: Scalar = 0.0

    @property
    def above(self) -> list[Scalar]:
        """Return the taus of the levels above the effects, lowest first."""
        return [self.group, self.study]


class TauArguments:
    """Order of all taus of a model, and the tau of every unit of a level.

    Called with taus in the order of `tau_labels`, (taus,) or (taus, draws), it returns `Taus`:
    numbers or (1, draws); where taus differ by stratum, those of every study (studies, ...), group
    (groups, ...) and effect (k, ...).
    """

    def __init__(self, design: xr.Dataset, spec: ModelSpec) -> None:
        self.levels = spec.levels
        self.stratum: dict[str, np.ndarray] = {}
        if spec.tau_by:
            nesting = nesting_of(design)
            study = design["study_stratum"].values
            self.stratum = {"study": study, "group": study[nesting.study_of_group]}
            self.stratum["effect"] = study[nesting.study_of_effect]

    def absent(self) -> Self:
        """Return the taus of a model without any level: 0."""
        none = copy(self)
        none.levels = ()
        none.stratum = {}
        return none

    def __call__(self, tau: Array) -> Taus:
        """Return the taus of every unit."""
        taus = {}
        for position, level in enumerate(self.levels):
            if self.stratum:
                taus[level] = tau[self.stratum[level] * len(self.levels) + position]
            else:
                taus[level] = tau[position] if tau.ndim == 1 else tau[position][None]
        return Taus(**taus)
