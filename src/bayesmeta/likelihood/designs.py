"""From a design to the kernel's arguments, and to each study's log-likelihood as a function of beta and the taus."""

from collections.abc import Callable

import jax
import numpy as np
import xarray as xr
from jax import Array

from bayesmeta.likelihood.marginal import GroupSums, Nesting, group_sums, log_likelihood, residual_sums
from bayesmeta.likelihood.student import student_log_likelihood
from bayesmeta.spec import ModelSpec


def nesting_of(design: xr.Dataset) -> Nesting:
    """Nesting of a design's effects."""
    return Nesting(design["effect_group"].values, design["group_study"].values, design.sizes["study"])


def columns_of(design: xr.Dataset) -> np.ndarray:
    """The columns [X, y] (k, p + 1)."""
    return np.column_stack([design["X"].values, design["yi"].values])


def tau_labels(design: xr.Dataset, spec: ModelSpec) -> list[str]:
    """One label per tau: `study`, `group`; where they differ by stratum, stratum by stratum `human:study`."""
    if not spec.tau_by:
        return list(spec.levels)
    return [f"{stratum}:{level}" for stratum in design["stratum"].values for level in spec.levels]


def taus_of(design: xr.Dataset, spec: ModelSpec) -> Callable[[Array], dict[str, Array]]:
    """Function of all taus, in the order of `tau_labels`, to the tau of each level.

    A scalar; where taus differ by stratum, that of each study (studies,), group (groups,) and effect (k,).
    """
    if not spec.tau_by:
        return lambda tau: dict(zip(spec.levels, tau, strict=True))
    nesting, of_study = nesting_of(design), design["study_stratum"].values
    stratum = {
        "study": of_study,
        "group": of_study[nesting.study_of_group],
        "effect": of_study[nesting.study_of_effect],
    }
    size = len(spec.levels)
    return lambda tau: {level: tau[stratum[level] * size + at] for at, level in enumerate(spec.levels)}


def residuals_of(design: xr.Dataset, spec: ModelSpec) -> Callable[[Array, dict[str, Array]], GroupSums]:
    """Function of beta (p,) and the tau of each level to the sums of the residuals.

    Without an effect level the sums over groups are sufficient and made once.
    """
    nesting, v, columns = nesting_of(design), design["vi"].values, columns_of(design)
    once = None if "effect" in spec.levels else jax.jit(lambda: group_sums(columns, v, nesting, rho=spec.rho))()

    def sums(beta: Array, taus: dict[str, Array]) -> GroupSums:
        if once is not None:
            return residual_sums(once, beta)
        return group_sums((columns[:, -1] - columns[:, :-1] @ beta)[:, None], v, nesting, taus["effect"], spec.rho)

    return sums


def study_log_likelihood(design: xr.Dataset, spec: ModelSpec) -> Callable[..., Array]:
    """Function of beta (p,), the taus of `tau_labels` and, of a Student model, nu to each study's log-likelihood."""
    nesting, residuals, by_level = nesting_of(design), residuals_of(design, spec), taus_of(design, spec)

    def by_study(beta: Array, tau: Array, *nu: Array) -> Array:
        taus = by_level(tau)
        sums, tau_group = residuals(beta, taus), taus.get("group", 0.0)
        if nu:
            return student_log_likelihood(sums, taus["study"], tau_group, nu[0], nesting)
        return log_likelihood(sums, taus.get("study", 0.0), tau_group, nesting)

    return by_study
