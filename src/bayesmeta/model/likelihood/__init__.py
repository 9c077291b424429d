"""The exact marginal likelihood of nested random effects, and the exact conditionals: the one numerical kernel."""

from bayesmeta.model.likelihood.arguments import columns_of, nesting_of, tau_labels, taus_of, weight_labels
from bayesmeta.model.likelihood.conditionals import draw_errors, draw_random_effects
from bayesmeta.model.likelihood.designs import (
    latent_effects,
    residuals_of,
    selection_from,
    study_log_density,
    study_log_likelihood,
)
from bayesmeta.model.likelihood.marginal import (
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
from bayesmeta.model.likelihood.selection import draw_published, log_selection, step_probabilities
from bayesmeta.model.likelihood.sharing import errors_of, random_effects_of, shared_errors
from bayesmeta.model.likelihood.student import draw_scales

__all__ = [
    "GroupSums",
    "Nesting",
    "Scalar",
    "columns_of",
    "cross_products",
    "draw_errors",
    "draw_published",
    "draw_random_effects",
    "draw_scales",
    "error_weights",
    "errors_of",
    "group_sums",
    "integrate",
    "latent_effects",
    "log_likelihood",
    "log_selection",
    "nesting_of",
    "random_effects_of",
    "residual_sums",
    "residuals_of",
    "selection_from",
    "shared_errors",
    "step_probabilities",
    "study_log_density",
    "study_log_likelihood",
    "tau_labels",
    "taus_of",
    "weight_labels",
]
