"""REML and ML fits of the nested model; see `criterion` for the mathematics."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr

from bayesmeta.inference.reml.criterion import maximise, problem_of
from bayesmeta.infrastructure.choices import Method, check_choice
from bayesmeta.infrastructure.errors import BadInput
from bayesmeta.model.likelihood import nesting_of, refusal
from bayesmeta.model.spec import ModelSpec

ZERO = 1e-6  # of the sd of the residuals; Newton ends far below it where a tau is zero


@dataclass(frozen=True)
class Reml:
    """A fit by `fit_reml`.

    aliased : levels that these data cannot separate (every study has a single group, say): only
    the sum of their tau^2 is estimated, and it is split evenly, as metafor does. parameters : of a
    dependence structure, its correlations and slopes of log tau.
    """

    design: xr.Dataset
    spec: ModelSpec
    method: str
    tau: pd.Series  # standard deviation of each level; exactly 0 on the boundary
    beta: pd.Series  # estimate of each term
    covariance: pd.DataFrame  # of beta (term, term)
    log_lik: float  # restricted (REML) or full (ML) log-likelihood, metafor's `logLik`
    QE: float  # residual heterogeneity, r' V^-1 r with every tau 0
    boundary: tuple[str, ...]  # levels with a tau estimated as 0
    aliased: tuple[str, ...]
    parameters: pd.Series = field(default_factory=lambda: pd.Series(dtype=float))


def fit_reml(design: xr.Dataset, spec: ModelSpec, *, method: str = "REML") -> Reml:
    """Fit a model by (restricted) maximum likelihood; its priors are not used.

    `method` is "REML" or "ML". Raise BadInput if it is neither, taus differ by stratum, there are
    no more effects than terms, the terms use up a level, or a climb does not converge.

    Source: metafor's `rma.mv(yi, V, random = list(~ 1 | study, ~ 1 | group))`.
    """
    k, p = design["X"].shape
    check_choice("method", method, Method)
    if text := refusal(design, spec, "reml"):
        raise BadInput(text)
    if (empty := design["term"].values[~design["X"].values.any(0)]).size:
        names = list(map(str, empty))
        raise BadInput(f"{method} uses no prior, and the terms {names} have no effects; omit them")
    if k <= p:
        got = f"got {k} effects for {p} terms"
        raise BadInput(f"{method} needs more effects than terms; {got}: use fewer terms")
    if spec.has_blocks:
        from bayesmeta.inference.structured import fit_structured_reml

        return fit_structured_reml(design, spec, method=method)
    aliased = _aliased(design, spec.levels)
    problem = problem_of(design, spec, method)
    levels = len(spec.levels)
    tau = maximise(problem, problem.starts(levels), np.ones(levels, bool))
    tau = np.where(tau < ZERO * problem.scale, 0.0, tau)
    best = problem.evaluate(tau)
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
        QE=float(problem.evaluate(0 * tau).residual),
        boundary=tuple(level for level, value in zip(spec.levels, tau, strict=True) if value == 0),
        aliased=aliased,
    )


def codes_of(design: xr.Dataset) -> dict[str, np.ndarray]:
    """Return the unit of every level that an effect is in (k,)."""
    nesting = nesting_of(design)
    codes = {"study": nesting.study_of_effect, "group": nesting.group_of_effect}
    return {**codes, "effect": np.arange(design.sizes["effect"])}


def _aliased(design: xr.Dataset, levels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the levels with linearly dependent covariance matrices M Z Z' M, M free of terms."""
    gram, unprojected = _gram(design, levels)
    names = np.array(levels)
    if used_up := names[np.diag(gram) < 1e-10 * unprojected].tolist():
        text = f"the terms leave no information on tau of the levels {used_up}"
        raise BadInput(f"{text}; use fewer terms")
    scale = np.sqrt(np.diag(gram))
    size, direction = np.linalg.eigh(gram / np.outer(scale, scale))
    loading = np.abs(direction[:, size < 1e-10]).sum(axis=1)
    return tuple(names[loading > 1e-6].tolist())


def _gram(design: xr.Dataset, levels: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return trace products of levels' projected covariances (levels, levels), and unprojected."""
    codes = codes_of(design)
    q = np.linalg.qr(design["X"].values)[0]
    by_level = pd.DataFrame(q)
    sums = np.array([by_level.groupby(codes[level]).transform("sum") for level in levels])
    inner = q.T @ sums
    # levels are nested: two effects share a unit of both exactly when they share one of the lower
    pairs = np.array([(np.bincount(codes[level]).astype(float) ** 2).sum() for level in levels])
    lower = np.maximum.outer(np.arange(len(levels)), np.arange(len(levels)))
    crossed = np.einsum("ikp,jkp->ij", sums, sums)
    return pairs[lower] - 2 * crossed + np.einsum("ipq,jpq->ij", inner, inner), pairs
