r"""The covariance of errors that covary over shared controls, of studies of equal shape together.

With h_ij the covariance of effects of the same control measurement (`design.controls`), and
q_i = v_i - h_ii the part of the variance that comes from the effect's treated group:

    E_ii = v_i
    E_ij = h_ij                             same control measurement, different groups
    E_ij = h_ij + rho sqrt(q_i q_j)         same control measurement, same group
    E_ij = rho sqrt(v_i v_j)                different control measurements, same group
    E_ij = 0                                otherwise
"""

from typing import NamedTuple

import numpy as np
import xarray as xr

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.likelihood.arguments import nesting_of
from bayesmeta.model.likelihood.nesting import Nesting
from bayesmeta.model.spec import ModelSpec

Arrays = tuple[np.ndarray, ...]
Shaped = tuple[int, np.ndarray, np.ndarray]  # a study, its groups and its effects
MAX_ESTIMATED_RHO = 0.99  # at 1 the errors of a group have no inverse; NUTS hardly goes beyond
MIN_EIGENVALUE = 1e-9  # of the errors' correlation matrix; below it the inverse has few digits left


class Controls(NamedTuple):
    """The control measurement of every effect (k,)."""

    cluster: np.ndarray  # its index
    side: np.ndarray  # 1, or -1 where yi is turned against group - control
    variance: np.ndarray  # that the control has in the effect
    subjects: np.ndarray  # N


class Bucket(NamedTuple):
    """Studies of equal shape."""

    study: np.ndarray  # positions of the studies (n,)
    group: np.ndarray  # positions of their groups (n, groups)
    effects: np.ndarray  # positions of their effects (n, size)
    fixed: np.ndarray  # E at rho 0 (n, size, size)
    rising: np.ndarray  # increase of E per unit of rho (n, size, size)
    members: np.ndarray  # Z_g, membership of the effects in the groups (n, size, groups)


def shared_errors(design: xr.Dataset, spec: ModelSpec) -> tuple[np.ndarray, list[Bucket]]:
    """Return studies with a shared control (studies,) and their errors, or raise BadInput."""
    names = ("control_cluster", "control_side", "control_variance", "control_subjects")
    nesting = nesting_of(design)
    controls = Controls(*(design[name].values for name in names))
    cluster = controls.cluster
    shares = np.bincount(cluster)[cluster] > 1
    shared = np.bincount(nesting.study_of_effect, shares, nesting.studies) > 0
    buckets = error_buckets(design["yi"].values, design["vi"].values, nesting, controls, shared)
    rho = MAX_ESTIMATED_RHO if "rho" in spec.auxiliary_parameters else spec.rho
    indefinite = np.union1d(_indefinite(buckets, 0.0), _indefinite(buckets, rho))
    if studies := [str(study) for study in design["study"].values[indefinite]]:
        raise BadInput(
            f"the errors of {len(studies)} studies ({', '.join(studies[:5])}) cannot covary over "
            f"shared controls with rho = {rho:g}: the covariance is not positive definite; fix rho "
            "lower, or compare vi with the sizes n1i and n2i"
        )
    return shared, buckets


def error_buckets(
    yi: np.ndarray, vi: np.ndarray, nesting: Nesting, controls: Controls, included: np.ndarray
) -> list[Bucket]:
    """Return the included studies (studies,) by shape, with the covariance of their errors."""
    shapes: dict[tuple[int, int], list[Shaped]] = {}
    for study in np.flatnonzero(included):
        groups = np.flatnonzero(nesting.study_of_group == study)
        effects = np.flatnonzero(nesting.study_of_effect == study)
        studies = shapes.setdefault((len(groups), len(effects)), [])
        studies.append((int(study), groups, effects))
    return [_bucket(yi, vi, nesting, controls, studies) for studies in shapes.values()]


def _bucket(
    yi: np.ndarray, vi: np.ndarray, nesting: Nesting, controls: Controls, studies: list[Shaped]
) -> Bucket:
    study, group, effects = (np.stack(column) for column in zip(*studies, strict=True))
    members = (nesting.group_of_effect[effects][:, :, None] == group[:, None, :]).astype(float)
    same_group = members @ members.swapaxes(1, 2)
    of_effects = Controls(*(column[effects] for column in controls))
    fixed, rising = _errors(yi[effects], vi[effects], same_group, of_effects)
    return Bucket(study, group, effects, fixed, rising, members)


def _errors(g: np.ndarray, v: np.ndarray, same_group: np.ndarray, controls: Controls) -> Arrays:
    shared = controls.cluster[:, :, None] == controls.cluster[:, None, :]
    of_means = _outer(controls.side * np.sqrt(controls.variance))
    h = of_means + _outer(g / np.sqrt(2 * controls.subjects))
    q = np.maximum(v - np.einsum("nii->ni", h), 0.0)
    identity = np.eye(g.shape[1])
    variance = _outer(np.sqrt(v))
    fixed = np.where(identity, variance, shared * h)
    return fixed, (1 - identity) * same_group * np.where(shared, _outer(np.sqrt(q)), variance)


def _outer(x: np.ndarray) -> np.ndarray:
    return x[:, :, None] * x[:, None, :]


def _indefinite(buckets: list[Bucket], rho: float) -> np.ndarray:
    """Return the studies with errors without a positive definite covariance at this rho."""
    studies = [np.array([], int)]
    for bucket in buckets:
        errors = bucket.fixed + rho * bucket.rising
        scale = 1 / np.sqrt(np.einsum("nii->ni", errors))
        smallest = np.linalg.eigvalsh(errors * _outer(scale)).min(1)
        studies.append(bucket.study[smallest < MIN_EIGENVALUE])
    return np.sort(np.concatenate(studies))
