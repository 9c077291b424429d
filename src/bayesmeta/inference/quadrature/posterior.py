r"""The posterior without Monte-Carlo error: quadrature over the taus, beta integrated out exactly at every node.

    p(beta, taus | y) = p(beta | taus, y) p(taus | y),    p(taus | y) = p(y | taus) p(taus) / p(y)

A mixture of normals over the nodes: means, intervals and probabilities of linear combinations of terms are exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from scipy.optimize import brentq
from scipy.special import logsumexp

from bayesmeta.inference.quadrature.density import refuse_unknown_studies
from bayesmeta.inference.quadrature.grid import Grid, refine
from bayesmeta.inference.quadrature.mixtures import Mixture, add_independent
from bayesmeta.inference.quadrature.nodes import Marginal, leggauss
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.design import split_strata
from bayesmeta.model.priors import tau_prior_quantile
from bayesmeta.model.spec import ModelSpec

SPREAD_ORDERS = (12, 24)
SPREAD_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Posterior:
    """Nodes over the taus, and the normal distribution of beta at each.

    Attributes
    ----------
    terms, levels : tuple of str
    tau : (nodes, levels)
    weight : (nodes,), summing to one
    beta, covariance : (nodes, p) and (nodes, p, p), mean and covariance of beta given the taus
    marginals : by level, the distribution of its tau as parts with weights (one part, unless averaged over rho)
    log_marginal_likelihood : log p(y), with normalised priors; a difference of two is a log Bayes factor
    error : estimated, as the largest change from a coarser rule to this one of log p(y), of a mean (in posterior sds),
        of an sd (relative), over terms and taus, and a tenth of the change of a tau's probability to be below its mean
    converged : whether the error came below the tolerance before the limit on nodes
    """

    terms: tuple[str, ...]
    levels: tuple[str, ...]
    tau: np.ndarray
    weight: np.ndarray
    beta: np.ndarray
    covariance: np.ndarray
    marginals: dict[str, list[tuple[float, Marginal]]]
    log_marginal_likelihood: float
    error: float
    converged: bool


@dataclass(frozen=True)
class Joint:
    """Posteriors of strata that share neither terms nor taus: independent, each exact by itself.

    Attributes
    ----------
    terms : in the order of the whole design
    parts : by stratum
    """

    terms: tuple[str, ...]
    parts: dict[str, Posterior]

    @property
    def log_marginal_likelihood(self) -> float:
        """Log p(y) of all strata."""
        return sum(part.log_marginal_likelihood for part in self.parts.values())

    @property
    def error(self) -> float:
        """The largest of the strata's."""
        return max(part.error for part in self.parts.values())

    @property
    def converged(self) -> bool:
        """Whether every stratum's integral did."""
        return all(part.converged for part in self.parts.values())


def integrate_posterior(
    design: xr.Dataset, spec: ModelSpec, *, without: Sequence[str] = (), tolerance: float = 1e-6
) -> Posterior | Joint:
    """Integrate a model's posterior over its taus.

    Parameters
    ----------
    design : Dataset
        From `design.build_design`.
    spec : ModelSpec
        Terms, levels, rho, priors. Where taus differ by stratum, every stratum is integrated by itself; an estimated
        spread is integrated over as well.
    without : sequence of str
        Studies to leave out.
    tolerance : float
        Rules grow until the estimated error is below; see `Posterior.error`.

    Raises
    ------
    BadInput
        A study to leave out that does not exist; strata that share terms or a spread; two spreads.
    """
    if spec.tau_by:
        parts = split_strata(design, spec)
        refuse_unknown_studies(design, without)
        each = {}
        for name, (own, single) in parts.items():
            left = [study for study in without if study in own["study"].values]
            each[name] = integrate_taus(own, single, without=left, tolerance=tolerance)
        return Joint(tuple(map(str, design["term"].values)), each)
    if spec.pooling_sds:
        return _over_spread(design, spec, without, tolerance)
    return integrate_taus(design, spec, without=without, tolerance=tolerance)


def integrate_taus(
    design: xr.Dataset, spec: ModelSpec, *, without: Sequence[str] = (), tolerance: float = 1e-6
) -> Posterior:
    """`integrate_posterior` of a model with one tau per level and no spread."""
    grid, error = refine(design, spec, without=without, tolerance=tolerance)
    return posterior_of(design, spec, grid, error, tolerance)


def _over_spread(design: xr.Dataset, spec: ModelSpec, without: Sequence[str], tolerance: float) -> Posterior:
    """Gauss-Legendre over the prior probability of the spread; the error is the difference to half as many nodes."""
    if len(spec.pooling_sds) > 1:
        raise BadInput(
            f"quadrature integrates over one spread, the model has {list(spec.pooling_sds)}; sample it with "
            "--sampler numpyro"
        )
    (part, prior), rules = next(iter(spec.pooling_sds.items())), []
    for order in SPREAD_ORDERS:
        unit, weight = leggauss(order)
        values = tau_prior_quantile(prior, (unit + 1) / 2)
        each = [
            integrate_taus(design, spec.with_pooling_sd(part, value), without=without, tolerance=tolerance)
            for value in values
        ]
        rules.append(mix(each, weight / 2)[0])
    (one, mean_one), (other, mean_other) = ((rule, rule.weight @ rule.beta) for rule in rules)
    shift = np.abs(mean_one - mean_other) / np.sqrt(np.diagonal(other.covariance, axis1=1, axis2=2)).mean(0)
    error = float(max(other.error, shift.max(), abs(one.log_marginal_likelihood - other.log_marginal_likelihood)))
    return replace(other, error=error, converged=error <= max(tolerance, SPREAD_TOLERANCE))


def mix(each: Sequence[Posterior], prior: np.ndarray) -> tuple[Posterior, np.ndarray]:
    """Average posteriors whose models have these prior probabilities; the posterior probabilities beside it."""
    evidence = np.array([one.log_marginal_likelihood for one in each])
    total = float(logsumexp(evidence, b=prior))
    probability = prior * np.exp(evidence - total)
    parts = list(zip(probability, each, strict=True))
    mixture = replace(
        each[0],
        tau=np.concatenate([one.tau for one in each]),
        weight=np.concatenate([share * one.weight for share, one in parts]),
        beta=np.concatenate([one.beta for one in each]),
        covariance=np.concatenate([one.covariance for one in each]),
        marginals={
            level: [(share * own, part) for share, one in parts for own, part in one.marginals[level]]
            for level in each[0].levels
        },
        log_marginal_likelihood=total,
        error=max(one.error for one in each),
        converged=all(one.converged for one in each),
    )
    return mixture, probability


def posterior_of(design: xr.Dataset, spec: ModelSpec, grid: Grid, error: float, tolerance: float) -> Posterior:
    """What was found on a grid, by name."""
    return Posterior(
        terms=tuple(str(term) for term in design["term"].values),
        levels=spec.levels,
        tau=grid.tau,
        weight=grid.weight,
        beta=grid.beta,
        covariance=grid.covariance,
        marginals={level: [(1.0, one)] for level, one in zip(spec.levels, grid.marginals, strict=True)},
        log_marginal_likelihood=grid.log_evidence,
        error=error,
        converged=error <= tolerance,
    )


def combination(posterior: Posterior | Joint, weights: np.ndarray) -> Mixture:
    """Exact distribution of weights'beta, for weights (p,)."""
    if isinstance(posterior, Joint):
        share = dict(zip(posterior.terms, weights, strict=True))
        own = {name: np.array([share[term] for term in part.terms]) for name, part in posterior.parts.items()}
        used = [combination(posterior.parts[name], values) for name, values in own.items() if values.any()]
        return used[0] if len(used) == 1 else add_independent(used)
    variance = (posterior.covariance @ weights) @ weights
    return Mixture(posterior.weight, posterior.beta @ weights, np.sqrt(variance))


def tau_cdf(posterior: Posterior, level: str, tau: float) -> float:
    """P(tau_level <= tau)."""
    return sum(share * part.cdf(tau) for share, part in posterior.marginals[level])


def tau_quantile(posterior: Posterior, level: str, p: float) -> float:
    """Quantile of tau_level."""
    highest = max(part.scale * float(np.sinh(part.high.max())) for _, part in posterior.marginals[level])
    return float(brentq(lambda tau: tau_cdf(posterior, level, tau) - p, 0.0, highest, xtol=1e-12))
