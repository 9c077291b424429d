"""From a design to grids over the taus at every node of the outer parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from bayesmeta.inference.quadrature.density import DesignArrays, arrays_of
from bayesmeta.inference.quadrature.grid import Grid, refine_arrays
from bayesmeta.inference.quadrature.outer import (
    ROUNDS,
    Box,
    OuterNodes,
    log_prior,
    orders_of,
    outer_nodes,
    outer_priors,
)
from bayesmeta.model.spec import ModelSpec, Prior

OUTER_TOLERANCE = 1e-3  # of the average over outer parameters
INNER_SHARE = 0.1  # of this tolerance, for the taus at an outer node
NEGLIGIBLE = 1e-12  # share of an outer node, relative to the largest, below which it is left out


@dataclass(frozen=True)
class Integral:
    """A model integrated over its taus and outer parameters."""

    arrays: DesignArrays
    nodes: OuterNodes  # of the outer parameters; a single node without any
    grids: list[Grid]  # over the taus, by outer node
    error: float  # estimated, see `Posterior.error`
    converged: bool  # whether the error came below the tolerance
    tolerance: float  # of the grids over the taus

    @cached_property
    def log_evidence(self) -> float:
        """Return log p(y), with normalised priors."""
        return float(logsumexp(self._log_evidence, b=self.nodes.weight))

    @cached_property
    def share(self) -> np.ndarray:
        """Return the posterior probability of every outer node (nodes,)."""
        return self.nodes.weight * np.exp(self._log_evidence - self.log_evidence)

    @property
    def _log_evidence(self) -> np.ndarray:
        return np.array([grid.log_evidence for grid in self.grids])

    @cached_property
    def kept(self) -> list[int]:
        """Return the outer nodes with probabilities that matter, the most probable first."""
        order = np.argsort(self.share, kind="stable")[::-1]
        return [int(node) for node in order if self.share[node] > NEGLIGIBLE * self.share.max()]

    def moments(self, columns: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return means and sds of columns' beta (p, r), by default every term, and the taus."""
        moments = [self.grids[node].moments(columns) for node in self.kept]
        share = self.share[self.kept] / self.share[self.kept].sum()
        means, sds = (np.array(part) for part in zip(*moments, strict=True))
        mean = share @ means
        return mean, np.sqrt(share @ (sds**2 + (means - mean) ** 2))


def integrate(
    design: xr.Dataset, spec: ModelSpec, *, without: Sequence[str] = (), tolerance: float = 1e-6
) -> Integral:
    """Integrate a model with one tau per level; arguments as for `integrate_posterior`."""
    arrays = arrays_of(design, spec, without)
    priors = outer_priors(arrays.term_prior, spec)
    coarse, *orders = orders_of(priors)
    if not priors:
        return _on_rule(arrays, spec, outer_nodes(priors, coarse, Box.of(priors)), tolerance)
    allowed = max(tolerance, OUTER_TOLERANCE)
    tolerance = max(tolerance, INNER_SHARE * allowed)
    rule, box = _zoomed(arrays, spec, priors, tolerance)
    for order in orders:
        finer = _on_rule(arrays, spec, outer_nodes(priors, order, box), tolerance)
        error = max(finer.error, _difference(rule, finer))
        rule = replace(finer, error=error, converged=error <= allowed)
        if rule.converged:
            break
    return rule


def _zoomed(
    arrays: DesignArrays, spec: ModelSpec, priors: Mapping[str, Prior], tolerance: float
) -> tuple[Integral, Box]:
    """Return the coarsest rule on the box of the outer parameters that matters, and the box."""
    order = orders_of(priors)[0]
    box = Box.of(priors)
    for _ in range(ROUNDS):
        rule = _on_rule(arrays, spec, outer_nodes(priors, order, box), tolerance)
        evidence = np.array([grid.log_evidence for grid in rule.grids])
        larger = box
        box = larger.around(rule.nodes, evidence + log_prior(rule.nodes.z))
        if larger.is_nearly(box):
            break
    return rule, box


def _on_rule(
    arrays: DesignArrays, spec: ModelSpec, nodes: OuterNodes, tolerance: float
) -> Integral:
    given = (arrays.given(nodes.at(node)) for node in range(len(nodes.weight)))
    refined = [refine_arrays(part, spec, tolerance=tolerance) for part in given]
    error = max(grid_error for _, grid_error in refined)
    return Integral(
        arrays, nodes, [grid for grid, _ in refined], error, error <= tolerance, tolerance
    )


def _difference(coarse: Integral, fine: Integral) -> float:
    mean, sd = fine.moments()
    of_means = np.abs((coarse.moments()[0] - mean) / sd)
    return float(max(of_means.max(), abs(coarse.log_evidence - fine.log_evidence)))
