"""What data cannot separate: random effects of the same units, units with a mean each."""

from itertools import combinations

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.structure.components import IDENTITY, Component

ROUNDING = 1e-8  # of indicators that are sums of terms


def refuse_moderators(components: list[Component], design: xr.Dataset) -> None:
    """Raise BadInput if the terms give every unit of a random effect a separate mean."""
    x = design["X"].values
    for component in components:
        if component.matrix.kind != IDENTITY or not 1 < len(component.labels) <= x.shape[1]:
            continue
        units = np.eye(len(component.labels))[component.unit]
        left = units - x @ np.linalg.lstsq(x, units)[0]
        if np.abs(left).max() < ROUNDING:
            problem = f"{component.name} is a random effect, and the terms separate all its units"
            raise BadInput(f"{problem}; leave it out of one of them")


def aliased(components: list[Component]) -> list[str]:
    """Return sentences on random effects that have the same units, so that one is too many."""
    sentences = []
    single = [part for part in components if part.matrix.kind == IDENTITY and part.factor is None]
    for first, second in combinations(single, 2):
        if np.array_equal(pd.factorize(first.unit)[0], pd.factorize(second.unit)[0]):
            sentences.append(
                f"{first.name} and {second.name} have the same units: the data determine "
                "only the sum of their variances, and the prior splits it; leave one out"
            )
    return sentences
