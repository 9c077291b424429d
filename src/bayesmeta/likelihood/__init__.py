"""The exact marginal likelihood of nested random effects, and the exact conditionals: the one numerical kernel."""

from bayesmeta.likelihood.conditionals import draw_errors, draw_random_effects
from bayesmeta.likelihood.designs import columns_of, nesting_of, residuals_of, study_log_likelihood, tau_labels, taus_of
from bayesmeta.likelihood.marginal import (
    GroupSums,
    Nesting,
    Scalar,
    cross_products,
    error_weights,
    group_sums,
    integrate,
    log_likelihood,
    residual_sums,
)
from bayesmeta.likelihood.student import draw_scales

__all__ = [
    "GroupSums",
    "Nesting",
    "Scalar",
    "columns_of",
    "cross_products",
    "draw_errors",
    "draw_random_effects",
    "draw_scales",
    "error_weights",
    "group_sums",
    "integrate",
    "log_likelihood",
    "nesting_of",
    "residual_sums",
    "residuals_of",
    "study_log_likelihood",
    "tau_labels",
    "taus_of",
]
