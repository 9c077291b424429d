r"""Likelihood of published results, under the prior of the random effects.

A study's results y_s, each published with probability omega of its p-value (`publication`), have

    p(y_s | published) = p(y_s) prod_i omega_i / E prod_i A_i(x_i beta + u + w + d_i)

where p(y_s) is the likelihood without selection and the mean is over the *prior* of u, w and d: of
all studies, not of those that were published. d, and w of a group or u of a study with a single
effect, only add to the variance around a mean, so that their integral is closed; u and w of the
others are integrated by trapezoids, on a table of log A (`tabulation`). Given the results, u, w and
d do not depend on the weights. `hidden_attempts` has studies with results that were not published.

Source: Vevea & Hedges 1995, doi 10.1007/BF02294384, for a single result per study.
"""

from copy import copy
from typing import ClassVar, NamedTuple, Self

import numpy as np
import xarray as xr
from numpy.random import Generator

from bayesmeta.model.likelihood.arguments import Taus
from bayesmeta.model.likelihood.arrays import Array, Scalar, is_zero, namespace, with_node_axes
from bayesmeta.model.likelihood.draws import (
    Parameters,
    RandomEffects,
    choose_by_study,
)
from bayesmeta.model.likelihood.exact_smd import ExactSmd
from bayesmeta.model.likelihood.nested_mean import NormalNodes
from bayesmeta.model.likelihood.nesting import Members
from bayesmeta.model.likelihood.normal import Normal
from bayesmeta.model.likelihood.publication import (
    Publication,
    draw_published,
    log_omega_of,
    omega_of,
    results_of,
    weights_of,
)
from bayesmeta.model.likelihood.tabulation import at_pairs, points
from bayesmeta.model.spec import ModelSpec

METROPOLIS_STEPS = 32  # an error below .01 tau in the mean of published effects; see the tests
VALUES_AT_ONCE = 200_000  # of an array (k, draws, nodes), which fits in the processor's cache


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


class Selected(Normal):
    """Likelihood of published results, normal or of Hedges' g."""

    engines: ClassVar[frozenset[str]] = frozenset({"nuts", "importance"})

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

    @property
    def draws_at_once(self) -> int:
        """Return the number of draws that fit in memory at once."""
        return max(1, VALUES_AT_ONCE // len(self.y))

    def log_likelihood(self, beta: Array, taus: Taus, auxiliary: dict[str, Array]) -> Array:
        """Return the log-likelihood by study (studies, ...), all random effects integrated out."""
        weights = weights_of(auxiliary["weights"], self.results)
        of_results = log_omega_of(self.statistics, weights, self.results)
        selected = self.nesting.effects_of_study.sum(of_results)
        unselected = self.unselected.log_likelihood(beta, taus, {})
        published = self.log_published(beta, taus, omega_of(weights, self.results))
        return unselected + selected - published

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

    def draw_random_effects(self, rng: Generator, draws: Parameters) -> RandomEffects:
        """Draw the random effects given the results, whatever the weights."""
        return self.unselected.draw_random_effects(rng, draws)

    def expected_effects(self, draws: Parameters) -> np.ndarray:
        """Return the means of the true effects given data and parameters (k, draws)."""
        return self.unselected.expected_effects(draws)

    def log_density_of_effects(self, draws: Parameters, random: RandomEffects) -> np.ndarray:
        """Return the log density of every effect given u and w (k, draws)."""
        weights = weights_of(draws.auxiliary["weights"], self.results)
        omega = omega_of(weights, self.results)
        of_results = log_omega_of(self.statistics, weights, self.results)
        density = self.unselected.log_density_of_effects(draws, random)
        return density + of_results - self._log_probability(draws, random, omega)

    def _log_probability(
        self, draws: Parameters, random: RandomEffects, omega: np.ndarray
    ) -> np.ndarray:
        """Return log A of every effect given u and w (k, draws)."""
        mean = self.x @ draws.beta + self.above_effects(random.u, random.w)
        variance = np.square(self.taus(draws.tau).effect)
        return np.asarray(self.publication.log_probability(mean, variance, omega))

    def replicate(self, rng: Generator, draws: Parameters, random: RandomEffects) -> np.ndarray:
        """Draw new published results (k, draws); d is drawn again, as a part of the results."""
        mean = self.x @ draws.beta + self.above_effects(random.u, random.w)
        variance = np.square(self.taus(draws.tau).effect)
        weights = weights_of(draws.auxiliary["weights"], self.results)
        drawn = draw_published(rng, mean, variance, weights, self.results)
        return self.results.per_statistic[:, None] * drawn

    def draw_new_effects(self, rng: Generator, draws: Parameters) -> RandomEffects:
        """Draw random effects of new studies that are published, by independent Metropolis steps.

        A step proposes a study from the prior, and takes it by the ratio of its probability of
        publication to that of the present one.
        """
        current = super().draw_new_effects(rng, draws)
        omega = omega_of(weights_of(draws.auxiliary["weights"], self.results), self.results)
        log_A = self._log_probability_of_studies(draws, current, omega)
        for _ in range(METROPOLIS_STEPS):
            proposed = super().draw_new_effects(rng, draws)
            log_proposed = self._log_probability_of_studies(draws, proposed, omega)
            taken = np.log(rng.random(log_A.shape)) < log_proposed - log_A
            log_A = np.where(taken, log_proposed, log_A)
            current = choose_by_study([current, proposed], taken.astype(int), self.nesting)
        return current

    def _log_probability_of_studies(
        self, draws: Parameters, random: RandomEffects, omega: np.ndarray
    ) -> np.ndarray:
        """Return log P(all results of a study are published) given u and w (studies, draws)."""
        return self.nesting.effects_of_study.sum(self._log_probability(draws, random, omega))


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
