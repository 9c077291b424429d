"""Parameters over which quadrature averages grids of taus: pooling sds, and rho with a prior.

With u the prior probability of a value, p(value) d value = du. The axes are z = Phi^-1(u), with a
standard normal density, on which the tails of a prior, where the data may be, are not far away. A
Gauss-Legendre rule covers the part of an axis that matters.
"""

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from bayesmeta.inference.quadrature.nodes import cell_edges, leggauss
from bayesmeta.model.priors import TermPrior
from bayesmeta.model.spec import ModelSpec, Prior

RHO = "rho"
ORDERS = {1: (12, 18, 24, 36, 54), 2: (8, 12, 18, 27), 3: (6, 8, 12)}  # by number of axes
ORDERS_OF_MANY = (3, 4)  # nodes per axis where there are more axes
LOWEST = -4.5  # of z; below it is 3e-6 of the prior
HIGHEST = 12.0  # of z, of pooling sds: 12 times the sd of a half-normal prior
SCALES = "RootInverseGamma"  # of Student-t priors, whose tails are long: at 4.5 a sd of 2e5
HIGHEST_RHO = 4.5  # above it errors correlate so closely that their covariance is singular
DROP = 12.0  # of the log density, below which an end of an axis is left out
ROUNDS = 4  # of shrinking the box


class OuterNodes(NamedTuple):
    """Nodes of a rule over the outer parameters."""

    values: dict[str, np.ndarray]  # by name (nodes,)
    z: np.ndarray  # coordinates (nodes, axes)
    weight: np.ndarray  # prior probability (nodes,), summing to nearly 1
    lower: np.ndarray  # lower ends of every node's cell in z (nodes, axes)
    width: np.ndarray  # widths of every node's cell in z (nodes, axes)

    def at(self, node: int) -> dict[str, float]:
        """Return the outer parameters at a node."""
        return {name: values[node] for name, values in self.values.items()}


class Box(NamedTuple):
    """Range of every axis (axes,)."""

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, priors: Mapping[str, Prior]) -> "Box":
        """Return the box that holds the priors."""
        high = [
            HIGHEST_RHO if name == RHO or prior.family == SCALES else HIGHEST
            for name, prior in priors.items()
        ]
        return cls(np.full(len(priors), LOWEST), np.array(high))

    def around(self, nodes: OuterNodes, log_density: np.ndarray) -> "Box":
        """Return the part within `DROP` of the highest density (nodes,), with a spare node."""
        near = nodes.z[log_density > log_density.max() - DROP]
        ends = []
        for axis in range(len(self.low)):
            places = np.unique(nodes.z[:, axis])
            edges = np.array([self.low[axis], *places, self.high[axis]])
            first = np.searchsorted(places, near[:, axis].min())
            last = np.searchsorted(places, near[:, axis].max())
            ends.append((edges[first], edges[last + 2]))
        low, high = np.array(ends).T
        return Box(low, high)

    def is_nearly(self, other: "Box") -> bool:
        """Return whether a box inside has sides of at least 85 %."""
        return bool(((other.high - other.low) / (self.high - self.low)).min() > 0.85)


def outer_priors(prior: TermPrior, spec: ModelSpec) -> dict[str, Prior]:
    """Return the priors of the outer parameters: pooling sds by part, and `rho`."""
    rho = {RHO: spec.priors[RHO]} if RHO in spec.priors else {}
    return {**prior.sds, **rho}


def orders_of(priors: Mapping[str, Prior]) -> tuple[int, ...]:
    """Return the nodes per axis of rules; a rule differs from the one before by its error."""
    return ORDERS.get(len(priors), ORDERS_OF_MANY) if priors else (1,)


def outer_nodes(priors: Mapping[str, Prior], order: int, box: Box) -> OuterNodes:
    """Return the nodes of a rule with `order` nodes per axis of a box."""
    unit, weight = leggauss(order)
    edges = cell_edges(order)
    places = np.array(list(product(range(order), repeat=len(priors))), int)
    length = box.high - box.low
    z = box.low + length * (unit[places] + 1) / 2
    weights = np.prod(length * weight[places] / 2, axis=1) * np.exp(log_prior(z))
    lower = box.low + length * edges[places]
    return OuterNodes(values_of(priors, z), z, weights, lower, length * np.diff(edges)[places])


def log_prior(z: np.ndarray) -> np.ndarray:
    """Return the log prior density (n,) at coordinates z (n, axes)."""
    return -0.5 * (z**2 + np.log(2 * np.pi)).sum(1)


def values_of(priors: Mapping[str, Prior], z: np.ndarray) -> dict[str, np.ndarray]:
    """Return the outer parameters (n,) at coordinates z (n, axes)."""
    values = {}
    for axis, (name, prior) in enumerate(priors.items()):
        below = prior.distribution.ppf(ndtr(z[:, axis]))
        above = prior.distribution.isf(ndtr(-z[:, axis]))
        values[name] = np.where(z[:, axis] < 0, below, above)
    return values
