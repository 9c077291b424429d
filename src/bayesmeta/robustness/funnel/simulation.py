"""Replicates of effects and their sampling variances, drawn together as raw data give them."""

from typing import NamedTuple

import numpy as np

from bayesmeta.data.effect_sizes import smd
from bayesmeta.robustness.funnel.data import Floats, FunnelData
from bayesmeta.robustness.funnel.draws import DrawnEffects

UNIT = np.ones(1)


class Replicate(NamedTuple):
    """Effects and sampling variances of replicated tables, both (b, k)."""

    yi: Floats
    vi: Floats


class Replicates(NamedTuple):
    """Replicates from the same normal noise: effect and variance linked, and variances fixed."""

    linked: Replicate
    naive: Replicate


def replicate(drawn: DrawnEffects, data: FunnelData, rng: np.random.Generator) -> Replicates:
    r"""Simulate g and its variance together at the drawn true effects theta.

        t ~ noncentral t(m, theta / s),  s = sqrt(1/n1 + 1/n2),  m = n1 + n2 - 2
        g = J(m) s t,  v = v(g, n1, n2)

    and, for comparison, g ~ N(theta, v observed), as if variances did not depend on effects. An
    effect with a variance that does not follow from effect and sizes has the second in both. With
    rho, the normal parts of t within a group correlate.

    Source: Hedges 1981, doi 10.3102/10769986006002107; the artefact: Zwetsloot et al. 2017,
    doi 10.7554/eLife.24260.
    """
    noise = _noise(drawn, data, rng)
    fixed = np.broadcast_to(data.vi, noise.shape)
    naive = Replicate(drawn.theta + np.sqrt(data.vi) * noise, fixed)
    linked = np.flatnonzero(data.linked)
    if not len(linked):
        return Replicates(naive, naive)
    n1, n2 = (sizes[linked] for sizes in (data.n1, data.n2))
    df = n1 + n2 - 2
    sd = np.sqrt(rng.chisquare(df, (len(noise), len(linked))) / df)
    d = (drawn.theta[:, linked] + data.size_error[linked] * noise[:, linked]) / sd
    yi, vi = (values.copy() for values in naive)
    yi[:, linked], vi[:, linked] = smd(d, UNIT, n1, 0 * UNIT, UNIT, n2, vtype=data.vtype)
    return Replicates(Replicate(yi, vi), naive)


def _noise(drawn: DrawnEffects, data: FunnelData, rng: np.random.Generator) -> Floats:
    """Draw standard normals (b, k), correlated by rho within a group."""
    independent = rng.standard_normal(drawn.theta.shape)
    if not drawn.rho.any():
        return independent
    group = data.unit["group"]
    shared = rng.standard_normal((len(independent), int(group.max()) + 1))[:, group]
    return np.sqrt(1 - drawn.rho) * independent + np.sqrt(drawn.rho) * shared
