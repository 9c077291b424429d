r"""Parameters over which quadrature averages whole grids of taus: pooling sds, and rho where it has a prior.

With u the prior probability of a value, p(value) d value = du, so that every axis is the unit interval under a uniform
density, and a Gauss-Legendre rule on it needs no range.
"""

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

import numpy as np

from bayesmeta.inference.quadrature.nodes import cell_edges, leggauss
from bayesmeta.model.spec import ModelSpec, Prior

RHO = "rho"
ORDERS = {
    1: (12, 24),
    2: (8, 12),
    3: (6, 8),
}  # two rules, by number of axes; their difference is the error
FINEST = 4  # nodes per axis where there are more axes


class OuterNodes(NamedTuple):
    """Nodes of a rule over the outer parameters.

    values : by name (nodes,). weight : (nodes,), summing to 1. lower, width : of each node's cell in u (nodes, axes).
    """

    values: dict[str, np.ndarray]
    weight: np.ndarray
    lower: np.ndarray
    width: np.ndarray


def outer_priors(spec: ModelSpec) -> dict[str, Prior]:
    """Return the priors of the outer parameters: pooling sds by part, and `rho`."""
    rho = {RHO: spec.priors[RHO]} if RHO in spec.priors else {}
    return {**spec.pooling_sds, **rho}


def orders_of(priors: Mapping[str, Prior]) -> tuple[int, ...]:
    """Return the nodes per axis of the rules to compare, the finest last; one rule where there is nothing to average."""
    if not priors:
        return (1,)
    return ORDERS.get(len(priors), (FINEST - 1, FINEST))


def outer_nodes(priors: Mapping[str, Prior], order: int) -> OuterNodes:
    """Return the nodes of a rule with `order` nodes per axis."""
    unit, weight = leggauss(order)
    edges = cell_edges(order)
    places = np.array(list(product(range(order), repeat=len(priors))), int)
    u = (unit[places] + 1) / 2
    values = {
        name: prior.distribution.ppf(u[:, at]) for at, (name, prior) in enumerate(priors.items())
    }
    return OuterNodes(
        values, np.prod(weight[places] / 2, axis=1), edges[places], np.diff(edges)[places]
    )
