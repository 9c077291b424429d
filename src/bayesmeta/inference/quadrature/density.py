"""The density that is integrated: the likelihood of the taus with beta integrated out.

At every node it is that of `conditional`, with S = z'V^-1 z for z = [X, y], summed over studies.
Nodes that share tau_effect share the sums over effects, nodes that share tau_group the sums over
groups. Axes for nodes come last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from bayesmeta.inference.quadrature.conditional import Arrays, Conditional, condition, joined
from bayesmeta.inference.quadrature.outer import RHO
from bayesmeta.inference.quadrature.truncation import limited
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.likelihood import Nesting, check_engine, error_sums, marginal
from bayesmeta.model.likelihood.arguments import Taus, columns_of, nesting_of
from bayesmeta.model.likelihood.arrays import with_node_axes
from bayesmeta.model.likelihood.buckets import Bucket, shared_errors
from bayesmeta.model.likelihood.dense import dense_products
from bayesmeta.model.likelihood.kernel import Marginal, Sums
from bayesmeta.model.priors import TermPrior, term_prior
from bayesmeta.model.spec import ModelSpec

NUMBERS_AT_ONCE = 2_000_000  # of an array (groups, terms + 1, nodes)


@dataclass(frozen=True)
class DesignArrays:
    """Arrays of a design and of the prior of its terms."""

    columns: np.ndarray  # [X, y] (k, p + 1)
    v: np.ndarray  # variances (k,)
    nesting: Nesting
    effects: np.ndarray  # number of effects of every study (studies,)
    included: np.ndarray  # weight of every study, 1 or 0 (studies,)
    term_prior: TermPrior  # may depend on pooling sds
    prior: np.ndarray  # [I, m]' B^-1 [I, m] (p + 1, p + 1, [nodes]), adds to cross-products of data
    log_det_prior: float | np.ndarray  # log|B|, a number or (nodes,); a flat prior counts nothing
    rho: float | np.ndarray  # correlation of errors within a group, a number or (1, nodes)
    scale: float  # of the taus' coordinates x: the sd of yi, at least the typical standard error
    shared: np.ndarray  # whether the errors of a study covary over shared controls (studies,)
    buckets: list[Bucket]  # the covariance of these errors

    def given(self, outer: Mapping[str, float | np.ndarray]) -> "DesignArrays":
        """Return the arrays at values of the outer parameters: numbers, or (nodes,)."""
        if not outer:
            return self
        rho: Any = outer.get(RHO, self.rho)
        rho = rho[None] if np.ndim(rho) else rho
        parts = [name for name in outer if name != RHO]
        pooling_sds = {part: np.asarray(outer[part])[..., None, None] for part in parts}
        prior, log_det = prior_products(self.term_prior, pooling_sds)
        return replace(self, rho=rho, prior=prior, log_det_prior=log_det)

    def part(self, chosen: slice) -> "DesignArrays":
        """Return the arrays of some of the scattered nodes."""

        def part_of(x: Any, axes: int = 0) -> Any:
            return x[..., chosen] if np.ndim(x) > axes else x

        of_prior = {"prior": part_of(self.prior, 2), "log_det_prior": part_of(self.log_det_prior)}
        return replace(self, **of_prior, rho=part_of(self.rho))


def arrays_of(design: xr.Dataset, spec: ModelSpec, without: Sequence[str] = ()) -> DesignArrays:
    """Return a design's arrays; raise BadInput for an unknown study or a model it cannot take."""
    check_engine(design, spec, "quadrature")
    refuse_unknown_studies(design, without)
    nesting = nesting_of(design)
    of_terms = term_prior(design, spec)
    prior, log_det = prior_products(of_terms, dict.fromkeys(of_terms.pooled, 1.0))
    shared = np.zeros(nesting.studies, bool)
    buckets: list[Bucket] = []
    if spec.shared_controls:
        shared, buckets = shared_errors(design, spec)
    return DesignArrays(
        columns=columns_of(design),
        v=design["vi"].values,
        nesting=nesting,
        effects=np.bincount(nesting.study_of_effect, minlength=nesting.studies),
        included=np.where(np.isin(design["study"].values, list(without)), 0.0, 1.0),
        term_prior=of_terms,
        prior=prior,
        log_det_prior=log_det,
        rho=spec.rho,
        scale=max(float(design["yi"].std()), float(np.sqrt(design["vi"].median()))),
        shared=shared,
        buckets=buckets,
    )


def refuse_unknown_studies(design: xr.Dataset, without: Sequence[str]) -> None:
    """Raise BadInput if a study to leave out does not exist."""
    studies = design["study"].values
    if unknown := sorted(set(without) - set(studies)):
        known = ", ".join(studies)
        raise BadInput(f"cannot leave out the studies {unknown}; the studies are: {known}")


def prior_products(prior: TermPrior, pooling_sds: Mapping[str, Any]) -> Arrays:
    """Return `prior` and `log_det_prior` at pooling sds by part, numbers or (nodes, 1, 1)."""
    covariance = prior.covariance(pooling_sds)
    flat = np.isinf(np.diagonal(prior.fixed))
    proper = np.ix_(~flat, ~flat)
    precision = np.zeros_like(covariance)
    precision[..., *proper] = np.linalg.inv(covariance[..., *proper])
    both = np.column_stack([np.eye(len(flat)), prior.mean])
    products = both.T @ precision @ both
    return np.moveaxis(products, (-2, -1), (0, 1)), np.linalg.slogdet(covariance[..., *proper])[1]


def effect_level(arrays: DesignArrays, tau_effect: float | np.ndarray) -> Sums:
    """Return the sums over effects at a tau_effect, a number or (1, nodes)."""
    weights = _nested_weights(arrays)
    of_effects = (arrays.columns, arrays.v, arrays.nesting)
    return error_sums(*of_effects, tau_effect=tau_effect, rho=arrays.rho, weights=weights)


def _nested_weights(arrays: DesignArrays) -> np.ndarray | None:
    """Return the weights of studies with errors that nest; None where all count."""
    weights = arrays.included * ~arrays.shared
    return None if weights.all() else weights


def cross_products(arrays: DesignArrays, sums: Sums, taus: Taus) -> Arrays:
    """Return S (q, q, ...) and L (...), totals over the included studies, at taus (1, ...)."""
    nested = marginal(sums, taus.above, arrays.nesting, weights=_nested_weights(arrays))
    if not arrays.buckets:
        return nested.S, nested.L
    dense = dense_products(arrays.columns, arrays.buckets, taus, arrays.rho, arrays.nesting)
    L, S = (np.tensordot(arrays.included, part, axes=(0, 0)) for part in dense)
    return nested.S + S, nested.L + L


def products_by_study(arrays: DesignArrays, taus: Taus) -> Arrays:
    """Return S (studies, q, q, ...) and L (studies, ...) at taus (1, ...)."""
    options = {"tau_effect": taus.effect, "rho": arrays.rho, "by_study": True}
    sums = error_sums(arrays.columns, arrays.v, arrays.nesting, **options)
    nested = marginal(sums, taus.above, arrays.nesting, by_study=True)
    return with_dense(nested, arrays.columns, np.arange(arrays.nesting.studies), arrays, taus)


def with_dense(
    nested: Marginal, columns: np.ndarray, studies: np.ndarray, arrays: DesignArrays, taus: Taus
) -> Arrays:
    """Return S and L of some studies, with those of studies with shared controls replaced."""
    shared = arrays.shared[studies]
    if not shared.any():
        return nested.S, nested.L
    L, S = dense_products(columns, arrays.buckets, taus, arrays.rho, arrays.nesting)
    in_S = with_node_axes(shared[:, None, None], S)
    in_L = with_node_axes(shared, L)
    return np.where(in_S, S[studies], nested.S), np.where(in_L, L[studies], nested.L)


def evaluate_group_nodes(arrays: DesignArrays, sums: Sums, taus: Taus) -> Conditional:
    """Evaluate the nodes of a tau_effect, at tau_group (b,) and tau_study (b, c)."""
    size = max(1, NUMBERS_AT_ONCE // sums.b.size)
    parts = []
    for start in range(0, len(taus.group), size):
        chosen = slice(start, start + size)
        some = Taus(taus.group[None, chosen], taus.study[None, chosen], taus.effect)
        parts.append(condition_at(arrays, sums, some))
    return joined(parts, axis=-2)


def condition_at(arrays: DesignArrays, sums: Sums, taus: Taus) -> Conditional:
    """Evaluate nodes at taus (1, ...), from the sums over effects."""
    S, L = cross_products(arrays, sums, taus)
    return condition_on(arrays, S, L, arrays.included @ arrays.effects)


def condition_on(
    arrays: DesignArrays, S: np.ndarray, L: np.ndarray, effects: np.ndarray | float
) -> Conditional:
    """Return the conditional of cross-products S (q, q, ...), L (...) and numbers of effects.

    Limits of the prior are in its likelihood; its moments are those without them.
    """
    unlimited = condition(S, L, effects, arrays.prior, arrays.log_det_prior)
    return limited(unlimited, arrays.term_prior.limits)


def at_taus(arrays: DesignArrays, taus: Taus) -> Conditional:
    """Evaluate scattered nodes, every tau (1, nodes), or a number at an absent level."""
    nodes = max(np.size(tau) for tau in taus)
    varies = np.ndim(taus.effect) + np.ndim(arrays.rho) > 0
    once = None if varies else effect_level(arrays, taus.effect)
    size = max(1, NUMBERS_AT_ONCE // (arrays.columns.size if once is None else once.b.size))
    parts = []
    for start in range(0, nodes, size):
        place = slice(start, start + size)
        chosen = Taus(*(tau if np.ndim(tau) == 0 else tau[:, place] for tau in taus))
        given = arrays.part(place)
        parts.append(condition_at(given, once or effect_level(given, chosen.effect), chosen))
    return joined(parts, axis=-1)
