"""The posterior without Monte-Carlo error: quadrature over the taus, beta integrated out exactly.

    p(beta, taus | y) = p(beta | taus, y) p(taus | y),    p(taus | y) = p(y | taus) p(taus) / p(y)

A mixture of normals over the nodes: means, intervals and probabilities of linear combinations of
terms are exact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import brentq
from scipy.special import logsumexp

from bayesmeta.inference.quadrature.density import arrays_of, at_taus, refuse_unknown_studies
from bayesmeta.inference.quadrature.grid import TauMarginal
from bayesmeta.inference.quadrature.integral import integrate
from bayesmeta.inference.quadrature.mixtures import Mixture, add_independent
from bayesmeta.inference.quadrature.outer import Box, orders_of, outer_nodes, outer_priors
from bayesmeta.inference.quadrature.truncation import combined
from bayesmeta.model.design import split_strata
from bayesmeta.model.likelihood import Taus
from bayesmeta.model.priors.limits import Limits
from bayesmeta.model.spec import ModelSpec

BOUNDS = (0.025, 0.5, 0.975)


@dataclass(frozen=True)
class Posterior:
    """Nodes over the taus, and the normal distribution of beta at each.

    marginals : by level, the distribution of its tau as parts with weights (a single part, unless
    averaged over outer parameters). log_marginal_likelihood : log p(y), with normalised priors; a
    difference of two is a log Bayes factor. error : estimated, as the largest change from a coarser
    rule to this rule of log p(y), of a mean (in posterior sds), of an sd (relative), over terms and
    taus, and a tenth of the change of a tau's probability to be below its mean. converged : whether
    the error came below the tolerance before the limit on nodes. outer : by name, as in `outer`.
    limits : of beta, whose mean and covariance are those without them.
    """

    terms: tuple[str, ...]
    levels: tuple[str, ...]
    tau: np.ndarray  # (nodes, levels)
    weight: np.ndarray  # (nodes,), summing to 1
    beta: np.ndarray  # mean of beta given the taus (nodes, p)
    covariance: np.ndarray  # of beta given the taus (nodes, p, p)
    marginals: dict[str, list[tuple[float, TauMarginal]]]
    log_marginal_likelihood: float
    error: float
    converged: bool
    outer: Mapping[str, np.ndarray] = field(default_factory=dict)  # (nodes,); empty without any
    limits: Limits | None = None

    def mixture(self, weights: np.ndarray) -> Mixture:
        """Return the distribution of weights'beta, for weights (p,)."""
        of_nodes = (self.weight, self.beta, self.covariance)
        return combined(self.limits, *of_nodes, weights)


@dataclass(frozen=True)
class Joint:
    """Posteriors of strata that share neither terms nor taus: independent, each exact by itself."""

    terms: tuple[str, ...]  # in the order of the full design
    parts: dict[str, Posterior]  # by stratum

    @property
    def log_marginal_likelihood(self) -> float:
        """Return log p(y), without the constants of flat priors."""
        return sum(part.log_marginal_likelihood for part in self.parts.values())

    @property
    def error(self) -> float:
        """Return the stated error of the quadrature."""
        return max(part.error for part in self.parts.values())

    @property
    def converged(self) -> bool:
        """Return whether the error is within the tolerance."""
        return all(part.converged for part in self.parts.values())


def integrate_posterior(
    design: xr.Dataset, spec: ModelSpec, *, without: Sequence[str] = (), tolerance: float = 1e-6
) -> Posterior | Joint:
    """Integrate a model's posterior over its taus.

    Where taus differ by stratum, every stratum is integrated alone. Pooling sds, and a rho with a
    prior, are integrated over as well (`outer`). The studies `without` are left out. Rules grow
    until the estimated error is below `tolerance`; see `Posterior.error`. Raise BadInput if a study
    to leave out does not exist, or quadrature does not take the model.
    """
    if not spec.tau_by:
        return integrate_taus(design, spec, without=without, tolerance=tolerance)
    parts = split_strata(design, spec)
    refuse_unknown_studies(design, without)
    posteriors = {}
    for name, (part, single) in parts.items():
        inside = [study for study in without if study in part["study"].values]
        posteriors[name] = integrate_taus(part, single, without=inside, tolerance=tolerance)
    return Joint(tuple(map(str, design["term"].values)), posteriors)


def integrate_taus(
    design: xr.Dataset, spec: ModelSpec, *, without: Sequence[str] = (), tolerance: float = 1e-6
) -> Posterior:
    """Integrate a model with one tau per level; see `integrate_posterior`."""
    integral = integrate(design, spec, without=without, tolerance=tolerance)
    kept = integral.kept
    grids = [integral.grids[node] for node in kept]
    share = integral.share[kept] / integral.share[kept].sum()
    sizes = [len(grid.weight) for grid in grids]
    pairs = list(zip(share, grids, strict=True))
    by_level = enumerate(spec.levels)
    return Posterior(
        terms=tuple(map(str, design["term"].values)),
        levels=spec.levels,
        tau=np.concatenate([grid.tau for grid in grids]),
        weight=np.concatenate([x * grid.weight for x, grid in pairs]),
        beta=np.concatenate([grid.beta for grid in grids]),
        covariance=np.concatenate([grid.covariance for grid in grids]),
        marginals={name: [(x, grid.marginals[at]) for x, grid in pairs] for at, name in by_level},
        log_marginal_likelihood=integral.log_evidence,
        error=integral.error,
        converged=integral.converged,
        outer={name: np.repeat(x[kept], sizes) for name, x in integral.nodes.values.items()},
        limits=integral.arrays.term_prior.limits,
    )


def integrate_equal_effects(design: xr.Dataset, spec: ModelSpec) -> Posterior:
    """Integrate a model whose taus are all 0: a closed form, at every outer node.

    Its tau has no columns. Raise BadInput if quadrature does not take the model.
    """
    arrays = arrays_of(design, spec)
    priors = outer_priors(arrays.term_prior, spec)
    nodes = outer_nodes(priors, orders_of(priors)[-1], Box.of(priors))
    none = np.zeros((1, len(nodes.weight)))
    given = at_taus(arrays.given(nodes.values) if priors else arrays, Taus(0.0, none, 0.0))
    log_mass = given.log_likelihood.ravel() + np.log(nodes.weight)
    evidence = float(logsumexp(log_mass))
    terms = len(given.mean)
    return Posterior(
        terms=tuple(map(str, design["term"].values)),
        levels=(),
        tau=np.zeros((len(log_mass), 0)),
        weight=np.exp(log_mass - evidence),
        beta=given.mean.reshape(terms, -1).T,
        covariance=np.moveaxis(given.covariance.reshape(terms, terms, -1), -1, 0),
        marginals={},
        log_marginal_likelihood=evidence,
        error=0.0,
        converged=True,
        outer=nodes.values,
        limits=arrays.term_prior.limits,
    )


def combination(posterior: Posterior | Joint, weights: np.ndarray) -> Mixture:
    """Return the distribution of weights'beta, for weights (p,): exact."""
    if isinstance(posterior, Joint):
        weight_of = dict(zip(posterior.terms, weights, strict=True))
        used = []
        for part in posterior.parts.values():
            of_part = np.array([weight_of[term] for term in part.terms])
            if of_part.any():
                used.append(combination(part, of_part))
        return used[0] if len(used) == 1 else add_independent(used)
    return posterior.mixture(weights)


def tau_cdf(posterior: Posterior, level: str, tau: float) -> float:
    """Return P(tau_level <= tau)."""
    return sum(share * part.cdf(tau) for share, part in posterior.marginals[level])


def tau_quantile(posterior: Posterior, level: str, p: float) -> float:
    """Return a quantile of tau_level."""
    parts = [part for _, part in posterior.marginals[level]]
    highest = max(part.scale * float(np.sinh(part.high.max())) for part in parts)
    return float(brentq(lambda tau: tau_cdf(posterior, level, tau) - p, 0.0, highest, xtol=1e-12))


def terms_table(posterior: Posterior | Joint) -> pd.DataFrame:
    """Summarise the terms: term, mean, sd, median, ci_lb, ci_ub (95 % equal-tailed), p_positive."""
    names = list(posterior.terms)
    labels = {"contrast": names, "term": names}
    weights = xr.DataArray(np.eye(len(names)), labels, ("contrast", "term"))
    return contrasts_table(posterior, weights).rename(columns={"contrast": "term"})


def contrasts_table(posterior: Posterior | Joint, weights: xr.DataArray) -> pd.DataFrame:
    """Summarise weights (contrast, term) exactly: contrast, then the columns of `terms_table`."""
    rows = []
    for row in weights.sel(term=list(posterior.terms)):
        mixture = combination(posterior, row.values)
        lower, median, upper = (mixture.quantile(p) for p in BOUNDS)
        moments = {"contrast": row["contrast"].item(), "mean": mixture.mean, "sd": mixture.sd}
        interval = {"median": median, "ci_lb": lower, "ci_ub": upper}
        rows.append({**moments, **interval, "p_positive": mixture.above(0.0)})
    return pd.DataFrame(rows)


def taus_table(posterior: Posterior | Joint) -> pd.DataFrame:
    """Summarise every tau: level (`human:study` of strata), mean, sd, median, ci_lb, ci_ub."""
    if isinstance(posterior, Joint):
        tables = {name: taus_table(part) for name, part in posterior.parts.items()}
        levels = {name: f"{name}:" + table["level"] for name, table in tables.items()}
        return pd.concat([table.assign(level=levels[name]) for name, table in tables.items()])
    mean = posterior.weight @ posterior.tau
    sd = np.sqrt(posterior.weight @ (posterior.tau - mean) ** 2)
    bounds = [[tau_quantile(posterior, level, p) for p in BOUNDS] for level in posterior.levels]
    table = pd.DataFrame(bounds, columns=["ci_lb", "median", "ci_ub"]).assign(mean=mean, sd=sd)
    return table.assign(level=posterior.levels)[["level", "mean", "sd", "median", "ci_lb", "ci_ub"]]
