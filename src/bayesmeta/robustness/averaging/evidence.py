"""Evidence and posterior of every model: by quadrature, or by importance with its error."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import logsumexp

from bayesmeta.inference.conventions import MAX_K_HAT
from bayesmeta.inference.independent import has_grid, has_wide_grid
from bayesmeta.inference.laplace import laplace_posterior
from bayesmeta.inference.quadrature import (
    Mixture,
    Posterior,
    integrate_equal_effects,
    integrate_posterior,
    quadrature_posterior,
)
from bayesmeta.inference.quadrature.truncation import combined
from bayesmeta.inference.quadrature.weighting import smoothed_weights
from bayesmeta.model.likelihood import ExactSmd, Selected, likelihood_class, refusal
from bayesmeta.model.priors.limits import Limits
from bayesmeta.model.spec import ModelSpec, Prior
from bayesmeta.robustness.averaging.models import HETEROGENEITY, Member
from bayesmeta.robustness.averaging.scaled import log_ratios

NO_TAU = 1e-3  # scale of taus that are absent, in standard errors of the most precise result
DRAWS = 500  # of a model without a quadrature: the error of a log evidence is near .05
MAX_ERROR = 0.2  # of a log evidence by importance
DOUBTFUL = 1.0  # error of a log evidence by ratios whose k-hat is too high
POINTLESS = 1e-12  # sd of a draw as a node


@dataclass(frozen=True)
class Evaluated:
    """A model's evidence, and its posterior as nodes."""

    log_evidence: float
    error: float  # standard error of the log evidence
    how: str  # quadrature, or importance
    weight: np.ndarray  # (nodes,), summing to 1
    beta: np.ndarray  # means of the terms, without limits of their prior (nodes, p)
    covariance: np.ndarray  # (nodes, p, p)
    tau: np.ndarray  # (nodes, levels)
    spread: np.ndarray  # of the terms of the full model from these (terms, p)
    limits: Limits | None = None
    ratios: Mapping[str, np.ndarray] = field(default_factory=dict)  # `scaled.log_ratios`, of draws

    def mixture(self, weights: np.ndarray, *, with_tau: bool = False) -> Mixture:
        """Return the distribution of a combination of the terms of the full model (terms,).

        with_tau : of a new true effect.
        """
        of_terms = self.spread.T @ weights
        error = POINTLESS**2 + ((self.tau**2).sum(1) if with_tau else 0.0)
        return combined(self.limits, self.weight, self.beta, self.covariance, of_terms, extra=error)


def is_exact(member: Member) -> bool:
    """Return whether a quadrature gives a model's evidence."""
    return not refusal(member.design, member.spec, "quadrature") and not has_wide_grid(member.spec)


def exact(member: Member) -> Evaluated:
    """Evaluate a model by quadrature."""
    if member.present.get(HETEROGENEITY, True):
        posterior = integrate_posterior(member.design, member.spec)
    else:
        posterior = integrate_equal_effects(member.design, member.spec)
    assert isinstance(posterior, Posterior)
    none = np.zeros((len(posterior.weight), len(member.spec.levels)))
    return Evaluated(
        posterior.log_marginal_likelihood,
        0.0,
        "quadrature",
        posterior.weight,
        posterior.beta,
        posterior.covariance,
        posterior.tau if posterior.levels else none,
        member.spread,
        posterior.limits,
    )


def drawn(design: xr.Dataset, spec: ModelSpec, heterogeneity: bool, seed: int) -> pd.DataFrame:
    """Evaluate a model by importance: a row per draw, with the evidence in every row.

    Columns: log_evidence, error (its Monte-Carlo standard error), k_hat, beta_0, ..., tau_0, ...,
    and the log ratios of scaled priors (`scaled.log_ratios`).
    """
    given = spec
    options: dict[str, Any] = {"draws": DRAWS, "chains": 1, "seed": seed, "parameters_only": True}
    kind = likelihood_class(spec)
    if kind is Selected:
        options |= {"candidates": DRAWS, "equal_effects": not heterogeneity}
        tree = laplace_posterior(design, spec, **options)
    else:
        spec = spec if heterogeneity else _with_tiny_taus(design, spec)
        if kind is ExactSmd and has_grid(design, spec):
            tree = quadrature_posterior(design, spec, **options)
        else:
            tree = laplace_posterior(design, spec, candidates=DRAWS, **options)
    posterior = tree["posterior"].dataset
    ess = float(posterior.attrs.get("importance_ess", np.inf))
    beta = posterior["beta"].values[0]
    taus = [posterior[f"tau_{level}"].values[0] for level in spec.levels]
    table = {f"beta_{at}": column for at, column in enumerate(beta.T)}
    table |= {f"tau_{at}": column for at, column in enumerate(taus)}
    draws = {str(name): posterior[name].values[0] for name in posterior} | {"tau": np.array(taus).T}
    table |= log_ratios(design, given, draws, heterogeneity=heterogeneity)
    evidence = posterior.attrs["log_marginal_likelihood"]
    k_hat = posterior.attrs.get("k_hat", np.nan)
    return pd.DataFrame(table).assign(log_evidence=evidence, error=ess**-0.5, k_hat=k_hat)


def _with_tiny_taus(design: xr.Dataset, spec: ModelSpec) -> ModelSpec:
    scale = NO_TAU * float(np.sqrt(design["vi"].min()))
    others = {key: prior for key, prior in spec.priors.items() if not key.startswith("tau")}
    return replace(spec, priors={**others, "tau": Prior("HalfNormal", (scale,))})


def of_draws(member: Member, table: pd.DataFrame) -> Evaluated:
    """Return what `drawn` found of a model, a node per draw."""
    beta, taus = (table.filter(regex=f"^{name}_").to_numpy() for name in ("beta", "tau"))
    covariance = np.broadcast_to(POINTLESS**2 * np.eye(beta.shape[1]), (*beta.shape, beta.shape[1]))
    if not member.present.get(HETEROGENEITY, True):
        taus = np.zeros_like(taus)
    weight = np.full(len(table), 1 / len(table))
    evidence, error = table[["log_evidence", "error"]].to_numpy(float)[0]
    parameters = (beta, covariance, taus, member.spread)
    ratios = {str(name): table[name].to_numpy() for name in table if " x " in str(name)}
    return Evaluated(evidence, error, "importance", weight, *parameters, ratios=ratios)


def reweighted(evaluated: Evaluated, name: str) -> Evaluated:
    """Return an evidence by draws under a scaled prior, with its error.

    The error is `DOUBTFUL` if k-hat of the ratios is above its limit.
    """
    log_ratio = evaluated.ratios[name]
    count = len(log_ratio)
    _, k_hat = smoothed_weights(log_ratio)
    log_mean = float(logsumexp(log_ratio) - np.log(count))
    variance = float(np.exp(log_ratio - log_mean).var())
    independent = min(count, evaluated.error**-2) if evaluated.error else count
    error = float(np.hypot(evaluated.error, np.sqrt(variance / independent)))
    if k_hat > MAX_K_HAT:
        error = DOUBTFUL
    return replace(evaluated, log_evidence=evaluated.log_evidence + log_mean, error=error)


def why_uncertain(table: pd.DataFrame) -> str:
    """Return why an evidence by importance cannot be used, "" if it can."""
    k_hat, error = table[["k_hat", "error"]].to_numpy(float)[0]
    if k_hat > MAX_K_HAT:
        return f"k-hat of its weights is {k_hat:.2f}, above {MAX_K_HAT}"
    too_large = f"the error of its log evidence is {error:.2f}, above {MAX_ERROR}"
    return too_large if error > MAX_ERROR else ""
