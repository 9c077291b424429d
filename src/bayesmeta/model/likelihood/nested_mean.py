r"""The mean over nested random effects of a product of one factor per effect, by quadrature.

    E prod_i F_i(u + w) = E_u prod_groups E_w|u prod_{i in group} F_i(u + w)

study by study, over the conditional distribution of u and w given data, by Gauss and Hermite's
nodes for u, and for w at every u. A likelihood that is not normal is a normal one times such a
mean.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax

from bayesmeta.model.likelihood.arguments import Taus
from bayesmeta.model.likelihood.arrays import (
    Array,
    Scalar,
    is_zero,
    namespace,
    with_node_axes,
)
from bayesmeta.model.likelihood.kernel import Step
from bayesmeta.model.likelihood.nesting import Nesting

WIDEST = 9.0  # node, in sds: what is published may be far from the mean of all studies
BEND = 3.0  # sds, beyond which the spacing of nodes grows

Factor = Callable[[Array], Array]


def spread_out(t: np.ndarray) -> np.ndarray:
    """Return z of t, from [-1, 1] to [-WIDEST, WIDEST], whose spacing grows beyond BEND (...)."""
    return BEND * np.sinh(np.arcsinh(WIDEST / BEND) * t)


class NormalNodes(NamedTuple):
    """Nodes z of a standard normal, and the logs of their weights (nodes,)."""

    z: np.ndarray
    log_weight: np.ndarray

    @classmethod
    def of(cls, tau: Scalar, count: int) -> "NormalNodes":
        """Return `count` nodes, or the single node 0 of a level that the model lacks."""
        if is_zero(tau):
            return cls(np.zeros(1), np.zeros(1))
        z, weight = np.polynomial.hermite_e.hermegauss(count)
        return cls(z, np.log(weight / weight.sum()))

    @classmethod
    def trapezoids(cls, tau: Scalar, count: int) -> "NormalNodes":
        """Return nodes for an integrand with steps or a far mode; one node of an absent level."""
        if is_zero(tau):
            return cls(np.zeros(1), np.zeros(1))
        z = spread_out(np.linspace(-1, 1, count))
        return cls(z, log_softmax(-0.5 * z**2 + 0.5 * np.log1p((z / BEND) ** 2)))

    def log_mean(self, log_values: Array) -> Array:
        """Return the log mean of exp(log_values), nodes on the last axis."""
        xp = namespace(log_values)
        highest = log_values.max(-1, keepdims=True)
        return xp.log(xp.exp(log_values - highest) @ np.exp(self.log_weight)) + highest[..., 0]


def log_mean(
    log_factor: Factor,
    steps: tuple[Step, ...],
    taus: Taus,
    nesting: Nesting,
    *,
    nodes: tuple[int, int],
) -> Array:
    """Return log E prod F by study (studies, ...).

    log_factor : from u + w of every effect (k, ..., study nodes, group nodes) to log F_i, of the
    same shape. steps : of `kernel.marginal`, lowest level first: group, study. nodes : of the study
    and of the group level.
    """
    of_group, of_study = steps
    studies = NormalNodes.of(taus.study, nodes[0])
    groups = NormalNodes.of(taus.group, nodes[1])
    u = _place(of_study, taus.study, studies.z)
    u_of_group = u[nesting.study_of_group]
    w = _place(of_group, taus.group, groups.z, u_of_group)
    above = (u_of_group[..., None] + w)[nesting.group_of_effect]
    by_group = groups.log_mean(nesting.levels[0].sum(log_factor(above)))
    return studies.log_mean(nesting.levels[1].sum(by_group))


def _place(step: Step, tau: Scalar, z: np.ndarray, above: Array | None = None) -> Array:
    """Return the random effects of a level at its nodes z, (units, ..., nodes); `conditionals`.

    above : the sum of the effects above every unit (units, ..., nodes of the level above).
    """
    A, b, D = step
    sd = tau / namespace(D).sqrt(D)
    mean = tau**2 * with_node_axes(b[:, 0], D) / D
    if above is not None:
        slope = tau**2 * with_node_axes(A, D) / D
        mean = mean[..., None] - slope[..., None] * above
        sd = sd[..., None]
    return mean[..., None] + sd[..., None] * z
