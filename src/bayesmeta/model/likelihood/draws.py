"""Draws of parameters, random effects and categories, on the last axis, for the likelihoods."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.random import Generator


@dataclass(frozen=True)
class Parameters:
    """Draws of parameters, and the standard normals that place the effects of sampled levels."""

    beta: np.ndarray  # terms (p, draws)
    tau: np.ndarray  # in the order of `tau_labels` (taus, draws)
    auxiliary: Mapping[str, np.ndarray] = field(default_factory=dict)  # by name ([weights,] draws)
    normals: Mapping[str, np.ndarray] = field(default_factory=dict)  # by level (units, draws)

    def __len__(self) -> int:
        return self.beta.shape[1]

    def part(self, chosen: slice) -> "Parameters":
        """Return some of the draws."""
        return Parameters(
            self.beta[:, chosen],
            self.tau[:, chosen],
            {name: values[..., chosen] for name, values in self.auxiliary.items()},
            {level: values[:, chosen] for level, values in self.normals.items()},
        )


class RandomEffects(NamedTuple):
    """Draws of u (studies, draws), w (groups, draws), d (k, draws), 0 at an absent level."""

    u: np.ndarray
    w: np.ndarray
    d: np.ndarray


def draw_categories(rng: Generator, log_weight: np.ndarray) -> np.ndarray:
    """Draw a category of each column: log weights (categories, ...) to indices (...)."""
    weight = np.exp(log_weight - log_weight.max(axis=0)).cumsum(axis=0)
    return (weight < rng.random(log_weight.shape[1:]) * weight[-1]).sum(axis=0)
