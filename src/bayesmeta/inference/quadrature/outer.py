"""Parameters over which quadrature averages grids of taus: pooling sds, and rho with a prior.

With u the prior probability of a value, p(value) d value = du, so that every axis is the unit
interval under a uniform density, and a Gauss-Legendre rule on it needs no range.
"""

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

import numpy as np

from bayesmeta.inference.quadrature.nodes import cell_edges, leggauss
from bayesmeta.model.spec import ModelSpec, Prior

RHO = "rho"
ORDERS = {1: (12, 24), 2: (8, 12), 3: (6, 8)}  # by number of axes; two rules differ by the error
FINEST = 4  # nodes per axis where there are more axes


class OuterNodes(NamedTuple):
    """Nodes of a rule over the outer parameters."""

    values: dict[str, np.ndarray]  # by name (nodes,)
    weight: np.ndarray  # (nodes,), summing to 1
    lower: np.ndarray  # lower ends of every node's cell in u (nodes, axes)
    width: np.ndarray  # widths of every node's cell in u (nodes, axes)

    def at(self, node: int) -> dict[str, float]:
        """Return the outer parameters at a node."""
        return {name: values[node] for name, values in self.values.items()}


def outer_priors(spec: ModelSpec) -> dict[str, Prior]:
    """Return the priors of the outer parameters: pooling sds by part, and `rho`."""
    rho = {RHO: spec.priors[RHO]} if RHO in spec.priors else {}
    return {**spec.pooling_sds, **rho}


def orders_of(priors: Mapping[str, Prior]) -> tuple[int, ...]:
    """Return the nodes per axis of the rules to compare, the finest last."""
    return ORDERS.get(len(priors), (FINEST - 1, FINEST)) if priors else (1,)


def outer_nodes(priors: Mapping[str, Prior], order: int) -> OuterNodes:
    """Return the nodes of a rule with `order` nodes per axis."""
    unit, weight = leggauss(order)
    edges = cell_edges(order)
    places = np.array(list(product(range(order), repeat=len(priors))), int)
    u = (unit[places] + 1) / 2
    weights = np.prod(weight[places] / 2, axis=1)
    return OuterNodes(values_of(priors, u), weights, edges[places], np.diff(edges)[places])


def values_of(priors: Mapping[str, Prior], u: np.ndarray) -> dict[str, np.ndarray]:
    """Return the outer parameters (n,) at prior probabilities u (n, axes)."""
    named = enumerate(priors.items())
    return {name: prior.distribution.ppf(u[:, axis]) for axis, (name, prior) in named}
