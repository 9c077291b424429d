r"""The posterior without Monte-Carlo error: quadrature over the taus, beta integrated out exactly at every node.

    p(beta, taus | y) = p(beta | taus, y) p(taus | y),    p(taus | y) = p(y | taus) p(taus) / p(y)

A mixture of normals over the nodes: means, intervals and probabilities of linear combinations of terms are exact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from scipy.optimize import brentq

from bayesmeta.inference.quadrature.density import refuse_unknown_studies
from bayesmeta.inference.quadrature.integral import integrate
from bayesmeta.inference.quadrature.mixtures import Mixture, add_independent
from bayesmeta.inference.quadrature.nodes import Marginal
from bayesmeta.model.design import split_strata
from bayesmeta.model.spec import ModelSpec


@dataclass(frozen=True)
class Posterior:
    """Nodes over the taus, and the normal distribution of beta at each.

    Attributes
    ----------
    terms, levels : tuple of str
    tau : (nodes, levels)
    weight : (nodes,), summing to one
    beta, covariance : (nodes, p) and (nodes, p, p), mean and covariance of beta given the taus
    marginals : by level, the distribution of its tau as parts with weights (one part, unless averaged over outer parameters)
    log_marginal_likelihood : log p(y), with normalised priors; a difference of two is a log Bayes factor
    error : estimated, as the largest change from a coarser rule to this one of log p(y), of a mean (in posterior sds),
        of an sd (relative), over terms and taus, and a tenth of the change of a tau's probability to be below its mean
    converged : whether the error came below the tolerance before the limit on nodes
    outer : by name of an outer parameter (`outer`) its value at each node (nodes,); empty where there is none
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
    outer: Mapping[str, np.ndarray] = field(default_factory=dict)


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
        Terms, levels, rho, priors. Where taus differ by stratum, every stratum is integrated alone. Pooling sds, and a
        rho with a prior, are integrated over as well (`outer`).
    without : sequence of str
        Studies to leave out.
    tolerance : float
        Rules grow until the estimated error is below; see `Posterior.error`.

    Raises
    ------
    BadInput
        A study to leave out that does not exist; a model that quadrature does not take.
    """
    if not spec.tau_by:
        return integrate_taus(design, spec, without=without, tolerance=tolerance)
    parts = split_strata(design, spec)
    refuse_unknown_studies(design, without)
    posteriors = {}
    for name, (stratum_design, single) in parts.items():
        inside = [study for study in without if study in stratum_design["study"].values]
        posteriors[name] = integrate_taus(
            stratum_design, single, without=inside, tolerance=tolerance
        )
    return Joint(tuple(map(str, design["term"].values)), posteriors)


def integrate_taus(
    design: xr.Dataset, spec: ModelSpec, *, without: Sequence[str] = (), tolerance: float = 1e-6
) -> Posterior:
    """Integrate a model with one tau per level; see `integrate_posterior`."""
    integral = integrate(design, spec, without=without, tolerance=tolerance)
    grids = [integral.grids[node] for node in integral.kept]
    share = integral.share[integral.kept] / integral.share[integral.kept].sum()
    sizes = [len(grid.weight) for grid in grids]
    marginals = [grid.marginals for grid in grids]
    return Posterior(
        terms=tuple(map(str, design["term"].values)),
        levels=spec.levels,
        tau=np.concatenate([grid.tau for grid in grids]),
        weight=np.concatenate(
            [part * grid.weight for part, grid in zip(share, grids, strict=True)]
        ),
        beta=np.concatenate([grid.beta for grid in grids]),
        covariance=np.concatenate([grid.covariance for grid in grids]),
        marginals={
            level: [(part, own[at]) for part, own in zip(share, marginals, strict=True)]
            for at, level in enumerate(spec.levels)
        },
        log_marginal_likelihood=integral.log_evidence,
        error=integral.error,
        converged=integral.converged,
        outer={
            name: np.repeat(values[integral.kept], sizes)
            for name, values in integral.nodes.values.items()
        },
    )


def combination(posterior: Posterior | Joint, weights: np.ndarray) -> Mixture:
    """Exact distribution of weights'beta, for weights (p,)."""
    if isinstance(posterior, Joint):
        share = dict(zip(posterior.terms, weights, strict=True))
        own = {
            name: np.array([share[term] for term in part.terms])
            for name, part in posterior.parts.items()
        }
        used = [
            combination(posterior.parts[name], values)
            for name, values in own.items()
            if values.any()
        ]
        return used[0] if len(used) == 1 else add_independent(used)
    variance = (posterior.covariance @ weights) @ weights
    return Mixture(posterior.weight, posterior.beta @ weights, np.sqrt(variance))


def tau_cdf(posterior: Posterior, level: str, tau: float) -> float:
    """P(tau_level <= tau)."""
    return sum(share * part.cdf(tau) for share, part in posterior.marginals[level])


def tau_quantile(posterior: Posterior, level: str, p: float) -> float:
    """Quantile of tau_level."""
    highest = max(
        part.scale * float(np.sinh(part.high.max())) for _, part in posterior.marginals[level]
    )
    return float(brentq(lambda tau: tau_cdf(posterior, level, tau) - p, 0.0, highest, xtol=1e-12))
