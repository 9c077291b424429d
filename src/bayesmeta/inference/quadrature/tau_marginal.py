"""The distribution of a tau, from the mass of the nodes of a rule."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.polynomial.legendre import legvander

from bayesmeta.inference.quadrature.nodes import Rule, leggauss


class TauMarginal(NamedTuple):
    """Distribution of a tau: a Legendre series per row."""

    low: np.ndarray  # (rows,)
    high: np.ndarray  # (rows,)
    series: np.ndarray  # (rows, n)
    scale: float  # of x

    def cdf(self, tau: float) -> float:
        """Return P(tau' <= tau), exact for the polynomial through every row's nodes."""
        share = np.clip((np.arcsinh(tau / self.scale) - self.low) / (self.high - self.low), 0, 1)
        value = legvander(2 * share - 1, self.series.shape[1])
        integral = np.column_stack([value[:, 0] + value[:, 1], value[:, 2:] - value[:, :-2]]) / 2
        return float((self.series * integral).sum())


def tau_marginal(rule: Rule, mass: np.ndarray, axis: int, scale: float) -> TauMarginal:
    """Return the distribution along an axis of a rule with this mass of its nodes (n, ..., n).

    Between nodes the log density is a polynomial: much closer than one through the density.
    """
    rows = mass.reshape((*mass.shape[: axis + 1], -1)).sum(-1).reshape(-1, rule.order)
    near = rows.sum(1) > 1e-16
    rows = rows[near]
    low, high = (ends.ravel()[near] for ends in (rule.axes[axis].low, rule.axes[axis].high))
    basis = _basis(rule.order)
    log_density = np.log(np.maximum(rows, 1e-25 * rows.max(1, keepdims=True)) / basis.weight)
    series = (log_density * basis.weight) @ basis.at_nodes * (np.arange(rule.order) + 0.5)
    fine_mass = basis.fine_weight * np.exp(series @ basis.at_fine.T)
    fine_mass *= rows.sum(1, keepdims=True) / fine_mass.sum(1, keepdims=True)
    return TauMarginal(low, high, fine_mass @ basis.series, scale)


class _Basis(NamedTuple):
    """Legendre polynomials at a rule's nodes and at three times as many, with their weights."""

    weight: np.ndarray
    fine_weight: np.ndarray
    at_nodes: np.ndarray
    at_fine: np.ndarray
    series: np.ndarray


@cache
def _basis(order: int) -> _Basis:
    unit, weight = leggauss(order)
    fine, fine_weight = leggauss(3 * order)
    at_nodes, at_fine = (legvander(nodes, order - 1) for nodes in (unit, fine))
    return _Basis(weight, fine_weight, at_nodes, at_fine, legvander(fine, len(fine) - 1))
