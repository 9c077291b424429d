r"""Standardised mean differences as t statistics, with study effects that have heavy tails.

Given the scale lambda_s of a study's effect (`student`), its exact likelihood is that of the
working data times the mean of the ratios (`exact_smd`). The log mean is a smooth function of the
share

    s = lambda_s tau_study^2 A_s / (1 + lambda_s tau_study^2 A_s)   in (0, 1)

that u_s takes of the study's residual (A_s: precision of the study's data about u_s). It is
computed at Chebyshev's points of s, and a polynomial gives it at all nodes of lambda_s.
"""

from typing import ClassVar

import numpy as np
from numpy.polynomial.chebyshev import chebpts1, chebvander

from bayesmeta.model.likelihood.arguments import Taus
from bayesmeta.model.likelihood.arrays import Array, namespace, special_of, with_node_axes
from bayesmeta.model.likelihood.exact_smd import VALUES_AT_ONCE, ExactSmd
from bayesmeta.model.likelihood.student import NODE_VALUES_AT_ONCE, NODES, Student, scale_nodes

SHARES = 7  # Chebyshev's points
POINTS = (1 + chebpts1(SHARES)) / 2
TO_COEFFICIENTS = np.linalg.inv(chebvander(2 * POINTS - 1, SHARES - 1))  # from values at the points


class StudentSmd(ExactSmd, Student):
    """Likelihood of Hedges' g with Student study effects, all random effects integrated out."""

    engines: ClassVar[frozenset[str]] = frozenset({"nuts", "importance"})

    @property
    def draws_at_once(self) -> int:
        """Return the number of draws that fit in memory at once."""
        by_nodes = NODE_VALUES_AT_ONCE // (NODES * self.nesting.studies)
        return max(1, min(VALUES_AT_ONCE // len(self.y), by_nodes))

    def log_likelihood(self, beta: Array, taus: Taus, auxiliary: dict[str, Array]) -> Array:
        """Return the log-likelihood by study (studies, ...), all random effects integrated out."""
        of_working_data = self._by_node(beta, taus, auxiliary)
        A = self.integrate(beta, taus._replace(study=0.0), 0.0).steps[-1].A
        scales, _ = scale_nodes(auxiliary["nu"])
        A_at_nodes = with_node_axes(A, scales[0])  # precision does not depend on beta
        precision = scales[:, None] * taus.study**2 * A_at_nodes
        ratios = [self._log_ratio_at(share, A_at_nodes, beta, taus) for share in POINTS]
        by_node = of_working_data + interpolated(ratios, precision / (1 + precision))
        return special_of(by_node).logsumexp(by_node, axis=0)

    def _log_ratio_at(self, share: float, A: Array, beta: Array, taus: Taus) -> Array:
        """Return the log mean ratio by study (studies, ...) where u_s takes a share."""
        tau = namespace(A).sqrt(share / (1 - share) / A)
        return self.log_mean_ratio(beta, taus._replace(study=tau))


def interpolated(values: list[Array], share: Array) -> Array:
    """Return the polynomial through values at `POINTS` (studies, ...), at shares (nodes, ...)."""
    x = 2 * share - 1
    coefficients = [
        sum(w * value for w, value in zip(row, values, strict=True)) for row in TO_COEFFICIENTS
    ]
    after = 0.0
    last = 0.0
    for coefficient in coefficients[:0:-1]:  # Clenshaw's recurrence
        after, last = coefficient + 2 * x * after - last, after
    return coefficients[0] + x * after - last
