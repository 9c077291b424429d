r"""Covariance matrices G of the effects of an inner factor, by metafor's names of structures.

With sds tau and correlations rho of c categories:

    CS    tau^2 on the diagonal, rho tau^2 elsewhere        HCS  a tau per category
    AR    tau^2 phi^|i - j|, by the order of categories     HAR  a tau per category
    CAR   tau^2 phi^|t_i - t_j|, t numbers                  DIAG a tau per category, no correlation
    UN    a tau per category, any correlations
    ID    tau^2 on the diagonal

The correlations of UN are those of independent partial correlations, whose prior is that of
Lewandowski, Kurowicka & Joe (LKJ): uniform over correlation matrices at eta = 1.

Source: rma.mv of metafor; Lewandowski, Kurowicka & Joe 2009, doi 10.1016/j.jmva.2009.04.008.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from bayesmeta.model.structure.parameters import Parameter, Values

SEVERAL_TAUS = ("HCS", "UN", "HAR", "DIAG")
START_TAU = 0.3


class Matrix(NamedTuple):
    """G of a factor with categories."""

    kind: str
    name: str  # of the factor
    categories: tuple[str, ...]
    places: np.ndarray  # order or times of the categories (c,)

    @property
    def tau_names(self) -> list[str]:
        """Return the names of the sds."""
        if self.kind in SEVERAL_TAUS:
            return [f"tau_{self.name}[{category}]" for category in self.categories]
        return [f"tau_{self.name}"]

    @property
    def correlation_names(self) -> list[str]:
        """Return the names of the correlations as they are estimated."""
        if self.kind in ("ID", "DIAG") or len(self.categories) == 1:
            return []
        if self.kind == "UN":
            pairs = zip(*np.tril_indices(len(self.categories), -1), strict=True)
            named = [f"{self.categories[j]}, {self.categories[i]}" for i, j in pairs]
            several = len(named) > 1
            return [f"{'partial_' * several}rho_{self.name}[{pair}]" for pair in named]
        return [f"{'phi' if 'AR' in self.kind else 'rho'}_{self.name}"]

    def parameters(self, tau: Any, eta: float) -> list[Parameter]:
        """Return the parameters, with a prior of every tau and the LKJ prior's eta."""
        taus = [Parameter(name, tau, (0, np.inf), START_TAU) for name in self.tau_names]
        names = self.correlation_names
        if self.kind == "UN":
            return taus + [_partial(name, len(names), at, eta) for at, name in enumerate(names)]
        low = {"CAR": 0.0, "AR": -1.0, "HAR": -1.0}.get(self.kind)
        if low is None:
            low = -1 / max(1, len(self.categories) - 1)
        uniform = stats.uniform(low, 1 - low)
        return taus + [Parameter(name, uniform, (low, 1.0), 0.5) for name in names]

    def sds(self, values: Values) -> np.ndarray:
        """Return the sds of the categories (draws, c)."""
        taus = np.stack([values[name] for name in self.tau_names], -1)
        return np.broadcast_to(taus, (len(taus), len(self.categories)))

    def correlations(self, values: Values) -> np.ndarray:
        """Return the correlations of the categories (draws, c, c)."""
        size = len(self.categories)
        parts = [values[name] for name in self.correlation_names]
        if not parts:
            return np.eye(size)[None]
        if self.kind == "UN":
            return _of_partial(np.stack(parts, -1), size)
        rho = parts[0][:, None, None]
        if self.kind in ("CS", "HCS"):
            return np.where(np.eye(size, dtype=bool), 1.0, rho)
        distance = np.abs(self.places[:, None] - self.places)
        return np.where(distance == 0, 1.0, np.sign(rho) ** distance * np.abs(rho) ** distance)

    def covariance(self, values: Values) -> np.ndarray:
        """Return G (draws, c, c)."""
        sds = self.sds(values)
        return self.correlations(values) * sds[:, :, None] * sds[:, None, :]


def _partial(name: str, count: int, at: int, eta: float) -> Parameter:
    """Return a partial correlation of the row-wise order of a lower triangle."""
    size = round((1 + np.sqrt(1 + 8 * count)) / 2)
    column = int(np.tril_indices(size, -1)[1][at])
    shape = eta + (size - 2 - column) / 2
    return Parameter(name, stats.beta(shape, shape, -1, 2), (-1.0, 1.0), 0.1)


def _of_partial(partial: np.ndarray, size: int) -> np.ndarray:
    """Return correlations (draws, c, c) of partial correlations (draws, pairs)."""
    factor = np.zeros((len(partial), size, size))
    factor[:, 0, 0] = 1
    for at, (i, j) in enumerate(zip(*np.tril_indices(size, -1), strict=True)):
        left = np.sqrt(1 - (factor[:, i, :j] ** 2).sum(-1))
        factor[:, i, j] = partial[:, at] * left
        if j == i - 1:
            factor[:, i, i] = np.sqrt(1 - (factor[:, i, :i] ** 2).sum(-1))
    return factor @ factor.swapaxes(1, 2)
