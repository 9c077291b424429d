r"""The density that is integrated: priors of the taus, and the likelihood of the taus with beta integrated out.

With c = z' V^-1 z summed over studies for z = [X, y], and beta ~ N(m, S):

    A = c_XX + S^-1,   h = c_Xy + S^-1 m,   beta | taus, y ~ N(A^-1 h, A^-1)
    log p(y | taus) = -1/2 (k log 2 pi + log|V| + c_yy + m' S^-1 m - h' A^-1 h + log|A| + log|S|)

Nodes that share tau_effect share the sums over effects, nodes that share tau_group the sums over groups.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax import Array
from jax.typing import ArrayLike

from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.likelihood import GroupSums, Nesting, columns_of, group_sums, integrate
from bayesmeta.model.priors import TermPrior, term_prior
from bayesmeta.model.spec import ModelSpec


class Table(NamedTuple):
    """What the likelihood needs of a design: [X, y] (k, p + 1), v (k,), nesting, weight of each study (1 or 0).

    `prior` is [I, m]' S^-1 [I, m] (p + 1, p + 1), which adds to the data's cross-products, and `log_det_prior` log|S|.
    `scale` is that of the coordinates x: the spread of yi, at least the typical standard error.
    """

    columns: np.ndarray
    v: np.ndarray
    group_of_effect: np.ndarray
    study_of_group: np.ndarray
    included: np.ndarray
    prior: np.ndarray
    log_det_prior: float
    rho: float
    scale: float

    @property
    def nesting(self) -> Nesting:
        """Which group and study each effect is in."""
        return Nesting(self.group_of_effect, self.study_of_group, len(self.included))


def table_of(design: xr.Dataset, spec: ModelSpec, without: Sequence[str] = ()) -> Table:
    """Arrays of a design, with the named studies left out.

    Raises
    ------
    BadInput
        A study to leave out that does not exist; taus that differ by stratum, or a spread.
    """
    if spec.auxiliary_parameters:
        raise BadInput(
            f"model {spec.name} estimates {', '.join(spec.auxiliary_parameters)}, which quadrature does not do; sample it"
        )
    if spec.shared_controls:
        raise BadInput(f"model {spec.name} has errors that covary over shared controls; quadrature cannot; sample it")
    if spec.tau_by or spec.pooling_sds:
        raise BadInput(f"model {spec.name}: one tau per level and fixed priors of the terms are wanted here")
    refuse_unknown_studies(design, without)
    prior, log_det = _prior_products(term_prior(design, spec))
    table = Table(
        columns=columns_of(design),
        v=design["vi"].values,
        group_of_effect=design["effect_group"].values,
        study_of_group=design["group_study"].values,
        included=np.where(np.isin(design["study"].values, list(without)), 0.0, 1.0),
        prior=prior,
        log_det_prior=log_det,
        rho=spec.rho,
        scale=max(float(design["yi"].std()), float(np.sqrt(design["vi"].median()))),
    )
    return jax.device_put(table)


def refuse_unknown_studies(design: xr.Dataset, without: Sequence[str]) -> None:
    """Refuse to leave out studies that do not exist."""
    studies = design["study"].values
    if unknown := sorted(set(without) - set(studies)):
        raise BadInput(f"cannot leave out the studies {unknown}; the studies are: {', '.join(studies)}")


def _prior_products(prior: TermPrior) -> tuple[np.ndarray, float]:
    """`Table.prior` and `Table.log_det_prior`; an infinite variance is a flat prior and counts for nothing."""
    flat = np.isinf(np.diag(prior.fixed))
    proper = np.ix_(~flat, ~flat)
    precision = np.zeros_like(prior.fixed)
    precision[proper] = np.linalg.inv(prior.fixed[proper])
    both = np.column_stack([np.eye(len(flat)), prior.mean])
    return both.T @ precision @ both, float(np.linalg.slogdet(prior.fixed[proper])[1])


class Conditional(NamedTuple):
    """Given the taus (...): log p(y | taus), and the mean (..., p) and covariance (..., p, p) of beta."""

    log_likelihood: Array
    mean: Array
    covariance: Array


def condition(cross: Array, log_det: Array, effects: ArrayLike, table: Table) -> Conditional:
    """The module's equations from sums over studies: cross (..., q, q), log|V| (...), number of effects (...)."""
    terms = cross.shape[-1] - 1
    swept, log_pivots = sweep(cross + table.prior, terms)
    spread = log_pivots + table.log_det_prior
    log_likelihood = -0.5 * (jnp.asarray(effects) * np.log(2 * np.pi) + log_det + swept[..., terms, terms] + spread)
    return Conditional(log_likelihood, swept[..., :terms, terms], swept[..., :terms, :terms])


def sweep(matrix: Array, terms: int) -> tuple[Array, Array]:
    """Sweep the first columns of [[A, h], [h', c]] (..., q, q): [[A^-1, A^-1 h], [., c - h' A^-1 h]], and log|A|.

    Source: Goodnight 1979, doi 10.1080/00031305.1979.10482685. All matrices move together, so that many small ones cost
    little more than the arithmetic.
    """

    def step(pivot: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        swept, log_det = state
        column, value = swept[:, pivot], swept[pivot, pivot]
        row = swept[pivot] / value
        swept = (swept - column[:, None] * row).at[:, pivot].set(-column / value)
        return swept.at[pivot].set(row).at[pivot, pivot].set(1 / value), log_det + jnp.log(value)

    start = jnp.moveaxis(matrix, (-2, -1), (0, 1)), jnp.zeros(matrix.shape[:-2])
    swept, log_det = jax.lax.fori_loop(0, terms, step, start)
    return jnp.moveaxis(swept, (0, 1), (-2, -1)), log_det


class GroupLevel(NamedTuple):
    """Sums at one tau_group: P_s (studies,), C_s (studies, q), and totals of z'Wz (q, q) and log|W^-1| so far."""

    ones: Array
    columns: Array
    squares: Array
    log_det: Array


def _group_level(sums: GroupSums, table: Table, tau_group: Array) -> GroupLevel:
    part = integrate(sums, 0.0, tau_group, table.nesting)
    weight = table.included[table.study_of_group] * jnp.square(tau_group) / part.group
    squares = jnp.einsum("s,sij->ij", table.included, sums.squares) - (sums.columns.T * weight) @ sums.columns
    log_det = table.included @ sums.log_det + jnp.log(part.group) @ table.included[table.study_of_group]
    return GroupLevel(part.ones, part.columns, squares, log_det)


def _study_level(level: GroupLevel, table: Table, tau_study: Array) -> tuple[Array, Array]:
    """Sums over studies at every tau_study (c,) of one tau_group: z'V^-1 z (c, q, q) and log|V| (c,)."""
    size = level.squares.shape[-1]
    outer = (level.columns[:, :, None] * level.columns[:, None, :]).reshape(-1, size**2)
    study = 1 + jnp.square(tau_study)[:, None] * level.ones
    weight = table.included * jnp.square(tau_study)[:, None] / study
    return level.squares - (weight @ outer).reshape(-1, size, size), level.log_det + jnp.log(study) @ table.included


@jax.jit
def effect_level(table: Table, tau_effect: ArrayLike) -> GroupSums:
    """Sums over effects at one tau_effect."""
    return group_sums(table.columns, table.v, table.nesting, jnp.asarray(tau_effect), table.rho)


@jax.jit
def slab(table: Table, sums: GroupSums, tau_group: ArrayLike, tau_study: ArrayLike) -> Conditional:
    """Evaluate the nodes (b, c) of one tau_effect: tau_group (b,), and for each of these tau_study (b, c)."""
    cross, log_det = jax.vmap(lambda group, study: _study_level(_group_level(sums, table, group), table, study))(
        jnp.asarray(tau_group), jnp.asarray(tau_study)
    )
    return condition(cross, log_det, table.included @ sums.effects, table)


@partial(jax.jit, static_argnames="same_effect")
def at_taus(table: Table, tau: Array, *, same_effect: bool) -> Conditional:
    """Evaluate scattered nodes, tau (nodes, 3) of study, group and effect; `same_effect`: the last is constant."""
    once = effect_level(table, tau[0, 2])

    def one(tau: Array) -> Conditional:
        sums = once if same_effect else effect_level(table, tau[2])
        cross, log_det = _study_level(_group_level(sums, table, tau[1]), table, tau[:1])
        return condition(cross[0], log_det[0], table.included @ sums.effects, table)

    return jax.lax.map(one, tau, batch_size=8)
