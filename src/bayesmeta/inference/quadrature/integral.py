"""From a design to grids over the taus at every node of the outer parameters, fine enough for a stated error."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from bayesmeta.inference.quadrature.density import DesignArrays, arrays_of
from bayesmeta.inference.quadrature.grid import Grid, refine_arrays
from bayesmeta.inference.quadrature.outer import OuterNodes, orders_of, outer_nodes, outer_priors
from bayesmeta.model.spec import ModelSpec

OUTER_TOLERANCE = 1e-3  # of the average over outer parameters
NEGLIGIBLE = 1e-12  # share of an outer node, relative to the largest, below which it is left out


@dataclass(frozen=True)
class Integral:
    """A model integrated over its taus and outer parameters.

    Attributes
    ----------
    arrays : DesignArrays
    nodes : OuterNodes
        Of the outer parameters; a single node without any.
    grids : list of Grid
        Grid over the taus at each outer node.
    error : float
        Estimated, see `Posterior.error`.
    converged : bool
        Whether the error came below the tolerance.
    """

    arrays: DesignArrays
    nodes: OuterNodes
    grids: list[Grid]
    error: float
    converged: bool

    @cached_property
    def log_evidence(self) -> float:
        """log p(y), with normalised priors."""
        return float(logsumexp(self._log_evidence, b=self.nodes.weight))

    @cached_property
    def share(self) -> np.ndarray:
        """Posterior probability of each outer node (nodes,)."""
        share: np.ndarray = self.nodes.weight * np.exp(self._log_evidence - self.log_evidence)
        return share

    @property
    def _log_evidence(self) -> np.ndarray:
        return np.array([grid.log_evidence for grid in self.grids])

    @cached_property
    def kept(self) -> list[int]:
        """Outer nodes whose probability is not negligible, the most probable first."""
        order = np.argsort(self.share, kind="stable")[::-1]
        return [int(node) for node in order if self.share[node] > NEGLIGIBLE * self.share.max()]

    def moments(self, columns: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return posterior means and sds of columns' beta (p, r), each term by default, then of the taus."""
        moments = [self.grids[node].moments(columns) for node in self.kept]
        share = self.share[self.kept] / self.share[self.kept].sum()
        means, sds = (np.array(part) for part in zip(*moments, strict=True))
        mean = share @ means
        return mean, np.sqrt(share @ (sds**2 + (means - mean) ** 2))


def integrate(
    design: xr.Dataset, spec: ModelSpec, *, without: Sequence[str] = (), tolerance: float = 1e-6
) -> Integral:
    """Integrate a model with one tau per level; arguments as for `integrate_posterior`."""
    arrays, priors = arrays_of(design, spec, without), outer_priors(spec)
    rules: list[Integral] = []
    for order in orders_of(priors):
        nodes = outer_nodes(priors, order)
        grids = []
        error = 0.0
        for node in range(len(nodes.weight)):
            given = arrays.given({name: values[node] for name, values in nodes.values.items()})
            grid, grid_error = refine_arrays(given, spec, tolerance=tolerance)
            grids.append(grid)
            error = max(error, grid_error)
        allowed = max(tolerance, OUTER_TOLERANCE) if priors else tolerance
        rule = Integral(arrays, nodes, grids, error, error <= allowed)
        error = max([error, *(_difference(coarser, rule) for coarser in rules[-1:])])
        rules.append(Integral(arrays, nodes, grids, error, error <= allowed))
    return rules[-1]


def _difference(coarse: Integral, fine: Integral) -> float:
    """Return the largest difference of log p(y) and of a mean of terms and taus (in posterior sds)."""
    (coarse_mean, _), (mean, sd) = coarse.moments(), fine.moments()
    return float(
        max(np.abs((coarse_mean - mean) / sd).max(), abs(coarse.log_evidence - fine.log_evidence))
    )
