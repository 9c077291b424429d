r"""The covariance of errors that covary over shared controls, of studies of equal shape together.

With h_ij = 1 / n_C + g_i g_j / (2 N) for effects of one control measurement (`design.controls`), and q_i = v_i - h_ii
what the effect's own group adds to its variance:

    E_ii = v_i
    E_ij = h_ij                             one control measurement, different groups
    E_ij = h_ij + rho sqrt(q_i q_j)         one control measurement and one group
    E_ij = rho sqrt(v_i v_j)                one group, different control measurements
    E_ij = 0                                otherwise
"""

from typing import NamedTuple

import numpy as np

from bayesmeta.model.likelihood.kernel import Nesting

SMALLEST = 1e-9  # eigenvalue of the errors' correlation matrix


class Controls(NamedTuple):
    """Of each effect's control measurement (k,): index, side of yi (1 or -1), size n_C, number of subjects N."""

    cluster: np.ndarray
    side: np.ndarray
    size: np.ndarray
    subjects: np.ndarray


class Bucket(NamedTuple):
    """Studies of equal shape: study (n,), group (n, groups), effects (n, size).

    fixed, rising (n, size, size): E at rho 0, and what it gains per unit of rho. members (n, size, groups): Z_g.
    """

    study: np.ndarray
    group: np.ndarray
    effects: np.ndarray
    fixed: np.ndarray
    rising: np.ndarray
    members: np.ndarray


def sharing_studies(nesting: Nesting, cluster: np.ndarray) -> np.ndarray:
    """Studies in which effects have a control measurement in common (studies,), from its index by effect."""
    shares = np.bincount(cluster)[cluster] > 1
    return np.bincount(nesting.study_of_effect, shares, nesting.studies) > 0


def error_buckets(
    yi: np.ndarray, vi: np.ndarray, nesting: Nesting, controls: Controls, included: np.ndarray
) -> list[Bucket]:
    """The included studies by shape, with the covariance of their errors; yi, vi (k,), included (studies,)."""
    shapes: dict[tuple[int, int], list[tuple[int, np.ndarray, np.ndarray]]] = {}
    for s in np.flatnonzero(included):
        units = (
            np.flatnonzero(nesting.study_of_group == s),
            np.flatnonzero(nesting.study_of_effect == s),
        )
        shapes.setdefault((len(units[0]), len(units[1])), []).append((int(s), *units))
    buckets = []
    for alike in shapes.values():
        study, group, effects = (np.stack(column) for column in zip(*alike, strict=True))
        members = (nesting.group_of_effect[effects][:, :, None] == group[:, None, :]).astype(float)
        own = Controls(*(part[effects] for part in controls))
        errors = _errors(yi[effects], vi[effects], members @ members.swapaxes(1, 2), own)
        buckets.append(Bucket(study, group, effects, *errors, members))
    return buckets


def _errors(
    g: np.ndarray, v: np.ndarray, together: np.ndarray, controls: Controls
) -> tuple[np.ndarray, np.ndarray]:
    """E at rho 0, and what it gains per unit of rho (n, size, size), from arrays (n, size)."""
    shared = controls.cluster[:, :, None] == controls.cluster[:, None, :]
    control = _outer(controls.side / np.sqrt(controls.size)) + _outer(
        g / np.sqrt(2 * controls.subjects)
    )
    left = np.maximum(v - np.einsum("nii->ni", control), 0.0)
    own = np.eye(g.shape[1])
    fixed = np.where(own, _outer(np.sqrt(v)), shared * control)
    return fixed, (1 - own) * together * np.where(shared, _outer(np.sqrt(left)), _outer(np.sqrt(v)))


def _outer(x: np.ndarray) -> np.ndarray:
    return x[:, :, None] * x[:, None, :]


def indefinite_studies(buckets: list[Bucket], rho: float) -> np.ndarray:
    """Index of the studies whose errors have no positive definite covariance at this rho."""
    bad = [np.array([], int)]
    for bucket in buckets:
        errors = bucket.fixed + rho * bucket.rising
        scale = 1 / np.sqrt(np.einsum("nii->ni", errors))
        bad.append(bucket.study[np.linalg.eigvalsh(errors * _outer(scale)).min(1) < SMALLEST])
    return np.sort(np.concatenate(bad))
