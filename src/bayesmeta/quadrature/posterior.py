r"""The posterior without Monte-Carlo error: quadrature over the taus, beta integrated out exactly at every node.

    p(beta, taus | y) = p(beta | taus, y) p(taus | y),    p(taus | y) = p(y | taus) p(taus) / p(y)

A mixture of normals over the nodes: means, intervals and probabilities of linear combinations of terms are exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import brentq
from scipy.special import logsumexp, ndtr

from bayesmeta.errors import BadInput
from bayesmeta.quadrature.grid import Grid, refine
from bayesmeta.quadrature.nodes import Marginal
from bayesmeta.spec import ModelSpec

BOUNDS = (0.025, 0.5, 0.975)


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


def integrate_posterior(
    design: xr.Dataset, spec: ModelSpec, *, without: Sequence[str] = (), tolerance: float = 1e-6
) -> Posterior:
    """Integrate a model's posterior over its taus.

    Parameters
    ----------
    design : Dataset
        From `design.build_design`.
    spec : ModelSpec
        Terms, levels, rho, priors.
    without : sequence of str
        Studies to leave out.
    tolerance : float
        Rules grow until the estimated error is below; see `Posterior.error`.

    Raises
    ------
    BadInput
        A study to leave out that does not exist.
    """
    grid, error = refine(design, spec, without=without, tolerance=tolerance)
    return posterior_of(design, spec, grid, error, tolerance)


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


def average_over_rho(
    design: xr.Dataset,
    spec: ModelSpec,
    rho: Sequence[float],
    prior: Sequence[float] | None = None,
    *,
    tolerance: float = 1e-6,
) -> tuple[Posterior, pd.DataFrame]:
    """Average the posterior over a grid of rho in place of the model's single value.

    Parameters
    ----------
    rho, prior : sequences of float
        Values in [0, 1) and their prior probabilities (equal by default; scaled to sum to one).

    Returns
    -------
    Posterior
        The mixture.
    DataFrame
        rho, prior, probability (posterior), log_marginal_likelihood.

    Raises
    ------
    BadInput
        A rho outside [0, 1).
    """
    if not len(rho) or not all(0 <= value < 1 for value in rho):
        raise BadInput(f"rho is {list(rho)}; it should be a list of numbers from 0 to below 1")
    shares = np.full(len(rho), 1.0) if prior is None else np.asarray(prior, float)
    shares = shares / shares.sum()
    each = [integrate_posterior(design, replace(spec, rho=value), tolerance=tolerance) for value in rho]
    evidence = np.array([one.log_marginal_likelihood for one in each])
    total = float(logsumexp(evidence, b=shares))
    probability = shares * np.exp(evidence - total)
    parts = list(zip(probability, each, strict=True))
    mixture = replace(
        each[0],
        tau=np.concatenate([one.tau for one in each]),
        weight=np.concatenate([share * one.weight for share, one in parts]),
        beta=np.concatenate([one.beta for one in each]),
        covariance=np.concatenate([one.covariance for one in each]),
        marginals={level: [(share, one.marginals[level][0][1]) for share, one in parts] for level in spec.levels},
        log_marginal_likelihood=total,
        error=max(one.error for one in each),
        converged=all(one.converged for one in each),
    )
    columns = {"rho": rho, "prior": shares, "probability": probability, "log_marginal_likelihood": evidence}
    return mixture, pd.DataFrame(columns)


def terms_table(posterior: Posterior) -> pd.DataFrame:
    """Summarise each term exactly: term, mean, sd, median, ci_lb, ci_ub (95 % equal-tailed), p_positive."""
    names = list(posterior.terms)
    weights = xr.DataArray(np.eye(len(names)), {"contrast": names, "term": names}, ("contrast", "term"))
    return contrasts_table(posterior, weights).rename(columns={"contrast": "term"})


def contrasts_table(posterior: Posterior, weights: xr.DataArray) -> pd.DataFrame:
    """Summarise linear combinations of terms exactly.

    Parameters
    ----------
    weights : DataArray
        Dims (contrast, term), as from `contrasts.contrast_weights`.

    Returns
    -------
    DataFrame
        contrast, mean, sd, median, ci_lb, ci_ub (95 % equal-tailed), p_positive.
    """
    rows = []
    for name, row in zip(weights["contrast"].values, weights.sel(term=list(posterior.terms)).values, strict=True):
        mixture = combination(posterior, row)
        lower, median, upper = (mixture.quantile(p) for p in BOUNDS)
        rows.append(
            {"contrast": name, "mean": mixture.mean, "sd": mixture.sd, "median": median, "ci_lb": lower, "ci_ub": upper}
            | {"p_positive": 1 - mixture.cdf(0.0)}
        )
    return pd.DataFrame(rows)


def taus_table(posterior: Posterior) -> pd.DataFrame:
    """Summarise each tau: level, mean, sd, median, ci_lb, ci_ub (95 % equal-tailed)."""
    mean = posterior.weight @ posterior.tau
    sd = np.sqrt(posterior.weight @ (posterior.tau - mean) ** 2)
    bounds = [[tau_quantile(posterior, level, p) for p in BOUNDS] for level in posterior.levels]
    table = pd.DataFrame(bounds, columns=["ci_lb", "median", "ci_ub"]).assign(mean=mean, sd=sd)
    return table.assign(level=posterior.levels)[["level", "mean", "sd", "median", "ci_lb", "ci_ub"]]


class Mixture(NamedTuple):
    """A mixture of normals: weight, centre, within (nodes,), the last one their sds."""

    weight: np.ndarray
    centre: np.ndarray
    within: np.ndarray

    @property
    def mean(self) -> float:
        """Mean of the mixture."""
        return float((self.weight * self.centre).sum())

    @property
    def sd(self) -> float:
        """Standard deviation of the mixture."""
        return float(np.sqrt((self.weight * (self.within**2 + (self.centre - self.mean) ** 2)).sum()))

    def cdf(self, x: float) -> float:
        """P(value <= x)."""
        return float((self.weight * ndtr((x - self.centre) / self.within)).sum())

    def quantile(self, p: float) -> float:
        """Value below which the share p lies, in (0, 1)."""
        low, high = self.mean - self.sd, self.mean + self.sd
        while self.cdf(low) > p:
            low -= high - low
        while self.cdf(high) < p:
            high += high - low
        return float(brentq(lambda x: self.cdf(x) - p, low, high, xtol=1e-12))


def combination(posterior: Posterior, weights: np.ndarray) -> Mixture:
    """Exact distribution of weights'beta, for weights (p,)."""
    variance = (posterior.covariance @ weights) @ weights
    return Mixture(posterior.weight, posterior.beta @ weights, np.sqrt(variance))


def tau_cdf(posterior: Posterior, level: str, tau: float) -> float:
    """P(tau_level <= tau)."""
    return sum(share * part.cdf(tau) for share, part in posterior.marginals[level])


def tau_quantile(posterior: Posterior, level: str, p: float) -> float:
    """Quantile of tau_level."""
    highest = max(part.scale * float(np.sinh(part.high.max())) for _, part in posterior.marginals[level])
    return float(brentq(lambda tau: tau_cdf(posterior, level, tau) - p, 0.0, highest, xtol=1e-12))
