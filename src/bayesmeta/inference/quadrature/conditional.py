r"""The normal distribution of beta given the taus, and the likelihood of the taus.

With S = z'V^-1 z for z = [X, y] and beta ~ N(m, B):

    A = S_XX + B^-1,   h = S_Xy + B^-1 m,   beta | taus, y ~ N(A^-1 h, A^-1)
    log p(y | taus) = -1/2 (k log 2 pi + log|V| + S_yy + m' B^-1 m - h' A^-1 h + log|A| + log|B|)
"""

from typing import NamedTuple

import numpy as np

from bayesmeta.model.likelihood.arrays import with_node_axes

Arrays = tuple[np.ndarray, ...]
Numbers = np.ndarray | float


class Conditional(NamedTuple):
    """Given the taus: log p(y | taus) (...), mean (p, ...) and covariance (p, p, ...) of beta."""

    log_likelihood: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray


def condition(
    S: np.ndarray, L: np.ndarray, effects: Numbers, prior: np.ndarray, log_det_prior: Numbers
) -> Conditional:
    """Apply the module's equations to S (q, q, ...), L = log|V| (...) and numbers of effects."""
    terms = len(S) - 1
    with np.errstate(all="ignore"):  # nodes at taus too large to compute with get no mass
        swept, log_pivots = sweep(S + with_node_axes(prior, S), terms)
    log_det = L + log_pivots + log_det_prior
    log_likelihood = -0.5 * (effects * np.log(2 * np.pi) + log_det + swept[terms, terms])
    return Conditional(log_likelihood, swept[:terms, terms], swept[:terms, :terms])


def sweep(matrix: np.ndarray, terms: int) -> Arrays:
    """Sweep the first columns of [[A, h], [h', c]] (q, q, ...), and return log|A|.

    The result is [[A^-1, A^-1 h], [., c - h' A^-1 h]]. All matrices move together, which is fast.
    Source: Goodnight 1979, doi 10.1080/00031305.1979.10482685.
    """
    swept = np.array(matrix)
    log_det = np.zeros(matrix.shape[2:])
    for pivot in range(terms):
        column = swept[:, pivot].copy()
        row = swept[pivot] / column[pivot]
        log_det += np.log(column[pivot])
        swept -= column[:, None] * row
        swept[:, pivot] = -column / column[pivot]
        swept[pivot] = row
        swept[pivot, pivot] = 1 / column[pivot]
    return swept, log_det


def joined(parts: list[Conditional], axis: int) -> Conditional:
    """Return the parts one after another along an axis of nodes."""
    if len(parts) == 1:
        return parts[0]
    return Conditional(*(np.concatenate(values, axis) for values in zip(*parts, strict=True)))
