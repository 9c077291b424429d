"""Replicates of effects and their sampling variances, drawn together as two groups of persons or animals give them."""

from typing import NamedTuple

import numpy as np

from bayesmeta.data.effect_sizes import smd
from bayesmeta.robustness.funnel.rows import ONE, Drawn, Floats, Rows


class Replicate(NamedTuple):
    """Effects and sampling variances of replicated tables, each (b, k)."""

    yi: Floats
    vi: Floats


class Replicates(NamedTuple):
    """With the link between effect and variance, and with every variance held fixed, from the same normal noise."""

    linked: Replicate
    naive: Replicate


def replicate(drawn: Drawn, rows: Rows, rng: np.random.Generator) -> Replicates:
    r"""Simulate g and its variance together at the drawn true effects theta.

        t ~ noncentral t(m, theta / s),  s = sqrt(1/n1 + 1/n2),  m = n1 + n2 - 2
        g = J(m) s t,  v = v(g, n1, n2)

    and beside it g ~ N(theta, v observed), as if variances did not depend on effects. A row whose variance does not
    follow from its effect and sizes has the second in both. With rho, the normal parts of t within a group correlate.

    Source: Hedges 1981, doi 10.3102/10769986006002107; the artefact: Zwetsloot et al. 2017, doi 10.7554/eLife.24260.
    """
    noise = _noise(drawn, rows, rng)
    naive = Replicate(drawn.theta + np.sqrt(rows.vi) * noise, np.broadcast_to(rows.vi, noise.shape))
    at = np.flatnonzero(rows.linked)
    if not len(at):
        return Replicates(naive, naive)
    n1, n2 = rows.n1[at], rows.n2[at]
    df = n1 + n2 - 2
    spread = np.sqrt(rng.chisquare(df, (len(noise), len(at))) / df)
    ratio = (drawn.theta[:, at] + np.sqrt(1 / n1 + 1 / n2) * noise[:, at]) / spread
    yi, vi = naive.yi.copy(), naive.vi.copy()
    yi[:, at], vi[:, at] = smd(ratio, ONE, n1, 0 * ONE, ONE, n2, vtype=rows.vtype)
    return Replicates(Replicate(yi, vi), naive)


def _noise(drawn: Drawn, rows: Rows, rng: np.random.Generator) -> Floats:
    """Standard normals (b, k), correlated by rho within a group."""
    own = rng.standard_normal(drawn.theta.shape)
    if not drawn.rho.any():
        return own
    group = rows.member["group"]
    shared = rng.standard_normal((len(own), int(group.max()) + 1))[:, group]
    return np.sqrt(1 - drawn.rho) * own + np.sqrt(drawn.rho) * shared
