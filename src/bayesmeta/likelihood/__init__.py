"""The exact marginal likelihood of nested normal random effects, and the exact conditionals: the one numerical kernel."""

from bayesmeta.likelihood.conditionals import draw_errors, draw_random_effects
from bayesmeta.likelihood.designs import columns_of, nesting_of, study_log_likelihood, tau_labels, taus_of
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

__all__ = [
    "GroupSums",
    "Nesting",
    "Scalar",
    "columns_of",
    "cross_products",
    "draw_errors",
    "draw_random_effects",
    "error_weights",
    "group_sums",
    "integrate",
    "log_likelihood",
    "nesting_of",
    "residual_sums",
    "study_log_likelihood",
    "tau_labels",
    "taus_of",
]
