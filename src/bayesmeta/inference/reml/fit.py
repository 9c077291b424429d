"""REML and ML fits of the nested model; see `criterion` for the mathematics."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.inference.reml.criterion import maximise, problem_of
from bayesmeta.infrastructure.choices import Method, check_choice
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.likelihood import nesting_of, refusal
from bayesmeta.model.spec import ModelSpec

ZERO = 1e-6  # of the spread of the residuals; Newton ends far below it where a tau is zero


@dataclass(frozen=True)
class Reml:
    """A fit by `fit_reml`.

    Attributes
    ----------
    tau : Series
        Standard deviation of each level; exactly 0 on the boundary.
    beta : Series
        Estimate of each term.
    covariance : DataFrame
        Of beta, (term, term).
    log_lik : float
        Restricted (REML) or full (ML) log-likelihood, metafor's `logLik`.
    QE : float
        Residual heterogeneity: r' V^-1 r with every tau 0.
    boundary : tuple of str
        Levels whose tau is estimated as 0.
    aliased : tuple of str
        Levels that these data cannot tell apart (every study has one group, say): only the sum of their tau^2 is
        estimated, and it is split evenly, as metafor does.
    """

    design: xr.Dataset
    spec: ModelSpec
    method: str
    tau: pd.Series
    beta: pd.Series
    covariance: pd.DataFrame
    log_lik: float
    QE: float
    boundary: tuple[str, ...]
    aliased: tuple[str, ...]


def fit_reml(design: xr.Dataset, spec: ModelSpec, *, method: str = "REML") -> Reml:
    """Fit a model by (restricted) maximum likelihood.

    Parameters
    ----------
    design : Dataset
        From `design.build_design`.
    spec : ModelSpec
        Its levels and rho are used, its priors are not.
    method : {"REML", "ML"}

    Raises
    ------
    BadInput
        Unknown method; taus that differ by stratum; no more effects than terms; a level that the terms use up; no
        convergence.

    Source: metafor's `rma.mv(yi, V, random = list(~ 1 | study, ~ 1 | group))`.
    """
    k, p = design["X"].shape
    check_choice("method", method, Method)
    if text := refusal(design, spec, "reml"):
        raise BadInput(text)
    if (empty := design["term"].values[~design["X"].values.any(0)]).size:
        raise BadInput(
            f"{method} has no prior: the terms {list(map(str, empty))} have no effects; leave them out"
        )
    if k <= p:
        raise BadInput(
            f"{method} needs more effects than terms; got {k} effects for {p} terms: use fewer terms"
        )
    aliased = _aliased(design, spec.levels)
    problem, levels = problem_of(design, spec, method), len(spec.levels)
    tau = maximise(problem, problem.starts(levels), np.ones(levels, bool))
    tau = np.where(tau < ZERO * problem.scale, 0.0, tau)
    best, without = problem.evaluate(tau), problem.evaluate(0 * tau)
    terms = design["term"].values
    root = problem.basis @ np.linalg.inv(best.factor).T
    return Reml(
        design,
        spec,
        method,
        tau=pd.Series(tau, list(spec.levels), name="tau"),
        beta=pd.Series(problem.beta + root @ best.half, terms, name="estimate"),
        covariance=pd.DataFrame(root @ root.T, terms, terms),
        log_lik=best.value,
        QE=float(without.residual),
        boundary=tuple(level for level, value in zip(spec.levels, tau, strict=True) if value == 0),
        aliased=aliased,
    )


def codes_of(design: xr.Dataset) -> dict[str, np.ndarray]:
    """Which unit of each level an effect is in, (k,)."""
    nesting = nesting_of(design)
    return {
        "study": nesting.study_of_effect,
        "group": nesting.group_of_effect,
        "effect": np.arange(design.sizes["effect"]),
    }


def _aliased(design: xr.Dataset, levels: tuple[str, ...]) -> tuple[str, ...]:
    """Levels whose covariance matrices M Z Z' M, with M projecting the terms out, are linearly dependent."""
    gram, whole = _gram(design, levels)
    left = np.diag(gram) / whole
    if used_up := [level for level, share in zip(levels, left, strict=True) if share < 1e-10]:
        raise BadInput(
            f"the terms leave nothing to estimate tau of the levels {used_up} from; use fewer terms"
        )
    scale = np.sqrt(np.diag(gram))
    size, direction = np.linalg.eigh(gram / np.outer(scale, scale))
    loading = np.abs(direction[:, size < 1e-10]).sum(axis=1)
    return tuple(level for level, weight in zip(levels, loading, strict=True) if weight > 1e-6)


def _gram(design: xr.Dataset, levels: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Trace products of the levels' projected covariance matrices (levels, levels); of each with itself unprojected."""
    codes, q = codes_of(design), np.linalg.qr(design["X"].values)[0]
    sums = [pd.DataFrame(q).groupby(codes[level]).transform("sum").to_numpy() for level in levels]
    inner = [q.T @ part for part in sums]
    # levels are nested: two effects share a unit of both exactly when they share one of the lower
    whole = np.array([(np.bincount(codes[level]).astype(float) ** 2).sum() for level in levels])
    gram = np.array(
        [
            [
                whole[max(i, j)] - 2 * (sums[i] * sums[j]).sum() + (inner[i] * inner[j]).sum()
                for j in range(len(levels))
            ]
            for i in range(len(levels))
        ]
    )
    return gram, whole
