r"""Every study given all others, exact at draws of the parameters of a dependence structure.

With W = [Z, X], V the covariance of blocks, A, h and the mean c = A^-1 h of (a, beta) as in
`structure.likelihood`, the inverse covariance of all results is Q = V^-1 - V^-1 W A^-1 W'V^-1. For
the rows s of a study, and g = V^-1 (y - W c),

    y_s | y_-s ~ N(y_s - Q_ss^-1 g_s, Q_ss^-1)
    E((a, beta) | y_-s) = c - K' Q_ss^-1 g_s,    K = (V^-1 W)_s A^-1
    cov((a, beta) | y_-s) = A^-1 + K' Q_ss^-1 K

so that no study needs another factor of a matrix of all results.
"""

from typing import NamedTuple

import numpy as np

from bayesmeta.model.likelihood.arguments import nesting_of
from bayesmeta.model.structure.likelihood import Structured
from bayesmeta.model.structure.parameters import Values
from bayesmeta.model.structure.small_blocks import inverted


class Deleted(NamedTuple):
    """Studies left out, at draws."""

    log_density: np.ndarray  # log p(y_s | y_-s) (draws, studies)
    mean: np.ndarray  # of combinations of beta, given y_-s (draws, studies, n)
    variance: np.ndarray  # (draws, studies, n)


def delete_each(likelihood: Structured, values: Values, combinations: np.ndarray) -> Deleted:
    """Leave out every study at draws of the parameters; combinations (terms, n) of beta."""
    W = np.column_stack([*_indicators(likelihood), likelihood.columns[:, :-1]])
    weights = np.zeros((W.shape[1], combinations.shape[1]))
    weights[likelihood.units :] = combinations
    study = nesting_of(likelihood.design).study_of_effect
    rows_of = [np.flatnonzero(study == code) for code in range(study.max() + 1)]
    parts = [_delete(likelihood, some, W, weights, rows_of) for some in likelihood.chunks(values)]
    return Deleted(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _indicators(likelihood: Structured) -> list[np.ndarray]:
    return [np.eye(group.units)[group.unit] for group in likelihood.crossed.groups]


def _delete(
    likelihood: Structured,
    values: Values,
    W: np.ndarray,
    weights: np.ndarray,
    rows_of: list[np.ndarray],
) -> Deleted:
    given = likelihood.condition(values)
    draws = len(given.half)
    centre = given.coefficients(np.zeros_like(given.half))
    root = np.linalg.inv(given.factor)  # F^-1, with A^-1 = F^-T F^-1
    residual = likelihood.columns[:, -1] - centre @ W.T
    scaled = np.empty((draws, *W.shape))  # V^-1 W F^-T
    gap = np.empty_like(residual)
    place = np.empty((len(W), 3), int)  # size, block, row in it
    inverses = []
    parts = zip(likelihood.blocks, likelihood.covariances(values), strict=True)
    for size, (rows, V) in enumerate(parts):
        R = inverted(np.broadcast_to(V, (draws, *V.shape[1:])))
        scaled[:, rows] = (R @ W[rows]) @ root.swapaxes(1, 2)[:, None]
        gap[:, rows] = (R @ residual[:, rows][..., None])[..., 0]
        place[rows, 0] = size
        place[rows, 1] = np.arange(len(rows))[:, None]
        place[rows, 2] = np.arange(rows.shape[1])
        inverses.append(R)
    u = root @ weights  # (draws, q, n)
    mean = centre @ weights
    variance = (u**2).sum(1)
    deleted = [_of_study(rows, place, inverses, scaled, gap, u) for rows in rows_of]
    log_density, shift, gain = (np.stack(part, 1) for part in zip(*deleted, strict=True))
    return Deleted(log_density, mean[:, None] - shift, variance[:, None] + gain)


def _of_study(
    rows: np.ndarray,
    place: np.ndarray,
    inverses: list[np.ndarray],
    scaled: np.ndarray,
    gap: np.ndarray,
    u: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the log density, the shift of the means, and the gain of variances, of a study."""
    Q = np.zeros((len(gap), len(rows), len(rows)))
    for size, block in np.unique(place[rows, :2], axis=0):
        here = np.flatnonzero((place[rows, 0] == size) & (place[rows, 1] == block))
        at = place[rows[here], 2]
        Q[:, here[:, None], here] = inverses[size][:, block, at[:, None], at]
    T = scaled[:, rows]
    Q -= T @ T.swapaxes(1, 2)
    g = gap[:, rows, None]
    K = T @ u  # (draws, rows of the study, n)
    solved = np.linalg.solve(Q, np.concatenate([g, K], axis=2))
    log_det = np.linalg.slogdet(Q)[1]
    quadratic = (g * solved[..., :1]).sum((1, 2))
    log_density = 0.5 * (log_det - quadratic - len(rows) * np.log(2 * np.pi))
    shift = (K * solved[..., :1]).sum(1)
    gain = (K * solved[..., 1:]).sum(1)
    return log_density, shift, gain
