"""The posterior without a study, at given taus, from the posterior with all of them.

A study informs some of the terms, I. With M = Cov(beta_I | y), m = E[beta_I | y] and the study's
cross-products K = X_I'V_s^-1 X_I, h = X_I'V_s^-1 y_s, c = y_s'V_s^-1 y_s:

    P = M^-1 - K,   a = M^-1 m - h             beta_I without the study: precision P, mean P^-1 a
    G = Cov(beta, beta_I | y) M^-1
    E[beta | y_-s]   = E[beta | y] + G (P^-1 a - m)
    Cov(beta | y_-s) = Cov(beta | y) + G (P^-1 - M) G'
    -2 log p(y_-s | taus) = -2 log p(y | taus) - (n_s log 2 pi + log|V_s| + c)
                            + log|M| + log|P| + m'M^-1 m - a'P^-1 a

because the other terms, given beta_I, do not depend on the study. Axes are studies, then nodes.
"""

from typing import NamedTuple

import numpy as np

from bayesmeta.inference.quadrature.conditional import Arrays, Conditional, sweep
from bayesmeta.inference.quadrature.density import DesignArrays, with_dense
from bayesmeta.model.likelihood import Taus, error_sums, marginal
from bayesmeta.model.likelihood.arrays import with_node_axes
from bayesmeta.model.likelihood.kernel import Sums
from bayesmeta.model.likelihood.nesting import Nesting


class Support(NamedTuple):
    """Studies that inform the same terms."""

    studies: np.ndarray  # positions (n,)
    terms: np.ndarray  # positions (r,)
    columns: np.ndarray  # [X_I, y] of the studies' effects
    v: np.ndarray  # of the same effects
    nesting: Nesting

    def sums(self, tau_effect: float, rho: float | np.ndarray) -> Sums:
        """Return the sums over effects, by study."""
        of_effects = (self.columns, self.v, self.nesting)
        return error_sums(*of_effects, tau_effect=tau_effect, rho=rho, by_study=True)


class WithoutStudy(NamedTuple):
    """Without each study of a support: the likelihood, and changes of moments."""

    log_likelihood: np.ndarray  # log p(y_-s | taus) (n, ...)
    mean: np.ndarray  # P^-1 a - m (r, n, ...)
    covariance: np.ndarray  # P^-1 - M (r, r, n, ...)
    G: np.ndarray  # (p, r, ...)


def supports_of(arrays: DesignArrays) -> list[Support]:
    """Group the studies by the terms that they inform."""
    nesting = arrays.nesting
    coded = arrays.columns[:, :-1] != 0
    informed = nesting.effects_of_study.sum(coded.astype(float)) > 0
    patterns, pattern = np.unique(informed, axis=0, return_inverse=True)
    groups = [(np.flatnonzero(pattern == at), row) for at, row in enumerate(patterns)]
    return [_support(arrays, studies, np.flatnonzero(row)) for studies, row in groups]


def _support(arrays: DesignArrays, studies: np.ndarray, terms: np.ndarray) -> Support:
    nesting = arrays.nesting
    rows = np.flatnonzero(np.isin(nesting.study_of_effect, studies))
    groups, group = np.unique(nesting.group_of_effect[rows], return_inverse=True)
    study = np.searchsorted(studies, nesting.study_of_group[groups])
    columns = arrays.columns[np.ix_(rows, [*terms, arrays.columns.shape[1] - 1])]
    return Support(studies, terms, columns, arrays.v[rows], Nesting.of(group, study))


def without_each(
    with_all: Conditional, support: Support, sums: Sums, taus: Taus, arrays: DesignArrays
) -> WithoutStudy:
    """Take out each study of a support, from beta given all studies at taus (1, ...)."""
    S, L = _products(support, sums, taus, arrays)
    terms = support.terms
    size = len(terms)
    to_terms = with_all.covariance[:, terms]
    M = to_terms[terms]
    m = with_all.mean[terms]
    M_inverse, log_det_M = sweep(M, size)
    scaled = np.einsum("ab...,b...->a...", M_inverse, m)
    upper = np.concatenate([M_inverse, scaled[:, None]], 1)
    lower = np.concatenate([scaled, (m * scaled).sum(0)[None]])
    precision = np.concatenate([upper, lower[None]])
    swept, log_det_P = sweep(precision[:, :, None] - np.moveaxis(S, 0, 2), size)
    counted = with_node_axes(arrays.effects[support.studies] * np.log(2 * np.pi), L)
    gain = counted + L - log_det_M - log_det_P - swept[size, size]
    return WithoutStudy(
        with_all.log_likelihood + 0.5 * gain,
        mean=swept[:size, size] - m[:, None],
        covariance=swept[:size, :size] - M[:, :, None],
        G=np.einsum("pa...,ab...->pb...", to_terms, M_inverse),
    )


def _products(support: Support, sums: Sums, taus: Taus, arrays: DesignArrays) -> Arrays:
    """Return z'V_s^-1 z (n, r + 1, r + 1, ...) and log|V_s| (n, ...), z = [X_I, y]."""
    nested = marginal(sums, taus.above, support.nesting, by_study=True)
    columns = arrays.columns[:, [*support.terms, arrays.columns.shape[1] - 1]]
    return with_dense(nested, columns, support.studies, arrays, taus)
