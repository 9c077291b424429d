"""Draws of parameters, random effects and categories, on the last axis, for the likelihoods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from bayesmeta.model.likelihood.nesting import Nesting


@dataclass(frozen=True)
class Parameters:
    """Draws of parameters."""

    beta: np.ndarray  # terms (p, draws)
    tau: np.ndarray  # in the order of `tau_labels` (taus, draws)
    auxiliary: Mapping[str, np.ndarray] = field(default_factory=dict)  # by name ([weights,] draws)

    def __len__(self) -> int:
        return self.beta.shape[1]

    def part(self, chosen: slice) -> "Parameters":
        """Return some of the draws."""
        return Parameters(
            self.beta[:, chosen],
            self.tau[:, chosen],
            {name: values[..., chosen] for name, values in self.auxiliary.items()},
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


def choose_by_study(
    candidates: Sequence[RandomEffects], chosen: np.ndarray, nesting: Nesting
) -> RandomEffects:
    """Return the random effects of the candidates chosen for every study (studies, draws)."""
    places = (chosen, chosen[nesting.study_of_group], chosen[nesting.study_of_effect])
    levels = zip(places, zip(*candidates, strict=True), strict=True)
    return RandomEffects(
        *(np.take_along_axis(np.stack(x), at[None], axis=0)[0] for at, x in levels)
    )
