r"""The probability that a study's results are published, under the prior of its random effects.

    E prod_i A_i(x_i beta + u + w + d_i)

over the *prior* of u, w and d, of all studies, not of those that were published; A is the
probability of publication given the random effects (`publication`). d, and w of a group or u of a
study with a single effect, only add to the variance around a mean, so that their integral is
closed; u and w of the others are integrated by trapezoids, on a table of log A (`tabulation`).
"""

from copy import copy
from typing import NamedTuple, Self

import numpy as np
import xarray as xr

from bayesmeta.model.likelihood.arguments import Taus
from bayesmeta.model.likelihood.arrays import Array, Scalar, is_zero, namespace, with_node_axes
from bayesmeta.model.likelihood.exact_smd import ExactSmd
from bayesmeta.model.likelihood.nested_mean import NormalNodes
from bayesmeta.model.likelihood.nesting import Members
from bayesmeta.model.likelihood.normal import Normal
from bayesmeta.model.likelihood.publication import Publication, results_of
from bayesmeta.model.likelihood.tabulation import at_pairs, points
from bayesmeta.model.spec import ModelSpec


class Nodes(NamedTuple):
    """Numbers of nodes."""

    study: int
    alone: int  # of study without groups, whose effects would make steps of A less steep
    group: int
    points: int  # of the table of log A


FINE = Nodes(41, 81, 25, 81)  # see the tests for their error
ROUGH = Nodes(17, 33, 11, 33)  # for approximations that are corrected by weights


class Alike(NamedTuple):
    """Results that are published with the same probability, as one (n,)."""

    publication: Publication
    effect: np.ndarray  # an effect with these constants
    copies: np.ndarray  # how many effects have them
    above: Members  # the unit that their sum belongs to


class PublishedStudies(Normal):
    """The integrals of a likelihood of published results, normal or of Hedges' g."""

    def __init__(self, design: xr.Dataset, spec: ModelSpec) -> None:
        super().__init__(design, spec)
        exact = spec.likelihood == "t"
        self.unselected = ExactSmd(design, spec) if exact else Normal(design, spec)
        self.results, statistics = results_of(design, spec)
        self.statistics = statistics
        self.publication = Publication(self.results)
        alone, lone, nested = self._by_relatives()
        in_study = self.nesting.effects_of_study
        self.alone, self.lone = (self._alike(part, in_study) for part in (alone, lone))
        groups, parent = np.unique(self.nesting.group_of_effect[nested], return_inverse=True)
        place = np.zeros(len(self.y), int)
        place[nested] = parent
        self.nested = self._alike(nested, Members(place, len(groups)))
        self.nested_groups = groups
        self.of_nested = Members(self.nesting.study_of_group[groups], self.nesting.studies)
        self._take(FINE)

    def _take(self, nodes: Nodes) -> None:
        self.nodes_of = nodes
        at_nodes = len(self.lone.effect) * self._study_nodes
        at_nodes += len(self.nested.effect) * nodes.points
        self.nodes = max(at_nodes // len(self.y) + 1, self.unselected.nodes)

    @property
    def _study_nodes(self) -> int:
        return self.nodes_of.study if "group" in self.spec.levels else self.nodes_of.alone

    def roughly(self) -> Self:
        """Return the likelihood with fewer nodes, for an approximation."""
        rough = copy(self)
        rough._take(ROUGH)
        return rough

    def _by_relatives(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return which results have no relatives in their study, in their group, and the others."""
        nesting = self.nesting
        of_study = np.bincount(nesting.study_of_effect)[nesting.study_of_effect]
        of_group = np.bincount(nesting.group_of_effect)[nesting.group_of_effect]
        alone = of_study == 1
        lone = ~alone & (of_group == 1)
        return alone, lone, ~alone & ~lone

    def _alike(self, included: np.ndarray, above: Members) -> Alike:
        """Return the included results (k,), those of equal constants in a unit above as one."""
        effect = np.flatnonzero(included)
        results = self.results.at(effect)
        columns = (above.parent[effect], results.direction, results.r, results.df, results.stratum)
        constants = np.column_stack([*columns, results.bounds, self.x[effect]])
        unique, first, copies = np.unique(constants, axis=0, return_index=True, return_counts=True)
        chosen = effect[first]
        parent = unique[:, 0].astype(int)
        publication = Publication(self.results.at(chosen))
        return Alike(publication, chosen, copies, Members(parent, above.count))

    def log_published(self, beta: Array, taus: Taus, omega: Array, attempts: Scalar = 0.0) -> Array:
        """Return log P(the study's results are published) (studies, ...); `hidden_attempts`."""
        mean = self.x @ beta
        of_effects = self.of_effects(taus)
        total = sum(tau**2 for tau in of_effects)
        alone = self._log_sum(self.alone, mean, total, omega, attempts)
        if len(self.lone.effect) + len(self.nested.effect) == 0:
            return alone
        studies = NormalNodes.trapezoids(taus.study, self._study_nodes)
        u = _placed(of_effects.study, studies.z)
        below = of_effects.group**2 + of_effects.effect**2
        by_study = self._log_sum(self.lone, _extended(mean) + u, below, omega, attempts)
        if len(self.nested.effect) == 0:
            return alone + studies.log_mean(by_study)
        nodes = self.nodes_of
        groups = NormalNodes.trapezoids(taus.group, nodes.group)
        reach = of_effects.study + of_effects.group
        at = points(nodes.points) if not is_zero(reach) else np.zeros(1)
        at_points = _extended(mean) + _placed(reach, at)
        nested = self._log_sum(self.nested, at_points, of_effects.effect**2, omega, attempts)
        if not is_zero(reach):
            nested = groups.log_mean(self._at_pairs(nested, taus, studies.z, groups.z))
        return alone + studies.log_mean(by_study + self.of_nested.sum(nested))

    def _at_pairs(self, table: Array, taus: Taus, *z: np.ndarray) -> Array:
        """Return a table of groups (groups, ..., points) at all pairs of nodes of u and w."""
        if not self.taus.stratum:
            return at_pairs(table, *map(_first, (taus.study, taus.group)), *z)
        strata = {"study": self.taus.stratum["study"]}
        strata["group"] = self.taus.stratum["group"][self.nested_groups]
        parts = []
        rows = []
        for stratum in np.unique(strata["group"]):
            at = {level: np.flatnonzero(of_units == stratum) for level, of_units in strata.items()}
            here = [_first(getattr(taus, level), at[level][0]) for level in strata]
            parts.append(at_pairs(table[at["group"]], *here, *z))
            rows.append(at["group"])
        return namespace(table).concatenate(parts)[np.argsort(np.concatenate(rows))]

    def of_effects(self, taus: Taus) -> Taus:
        """Return the taus at every effect, where they differ by stratum (k, ...)."""
        if not self.taus.stratum:
            return taus
        at = {"group": self.nesting.group_of_effect, "study": self.nesting.study_of_effect}
        placed = {
            level: getattr(taus, level)[at[level]] for level in at if level in self.spec.levels
        }
        return taus._replace(**placed)

    def _log_sum(
        self, alike: Alike, mean: Array, variance: Scalar, omega: Array, attempts: Scalar
    ) -> Array:
        """Return the sums of log A over the results of the units above (units, ...)."""
        rows = alike.effect
        log_A = alike.publication.log_probability(
            _rows(mean, rows), _rows(variance, rows), omega[rows]
        )
        if not is_zero(attempts):
            log_A = log_A + self.log_no_others(log_A, attempts, rows)
        return alike.above.sum(with_node_axes(alike.copies, log_A) * log_A)

    def log_no_others(self, log_A: Array, attempts: Scalar, rows: np.ndarray) -> Array:
        """Return the log probability that no other result was published, a result's share of it.

        log_A : of some rows (n, ...). attempts : their number is Poisson with this mean, a number
        or (1, draws); the other results are alike to those that were published.
        """
        share = with_node_axes((1 / self.effects[self.nesting.study_of_effect])[rows], log_A)
        return -share * with_node_axes(attempts, log_A) * namespace(log_A).exp(log_A)


def _extended(x: Array) -> Array:
    """Return an array with a last axis for nodes; numbers as they are."""
    return x if np.ndim(x) == 0 else x[..., None]


def _placed(tau: Scalar, z: np.ndarray) -> Array:
    """Return tau z (k or 1, ..., nodes), or (nodes,) of a single tau."""
    return _extended(tau) * z


def _first(x: Scalar, place: int = 0) -> Scalar:
    """Return a row of an array; numbers as they are."""
    return x if np.ndim(x) == 0 else x[place]


def _rows(x: Scalar, rows: np.ndarray) -> Scalar:
    """Return rows of an array (k, ...); numbers, and an array (1, ...) of all rows, as they are."""
    return x if np.ndim(x) == 0 or len(x) == 1 else x[rows]
