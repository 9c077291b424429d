"""The analyses of the paper as it did them, and beside each one the version that respects the nesting."""

from bayesmeta.published.bias import egger_table, fail_safe_table
from bayesmeta.published.controls import with_whole_controls
from bayesmeta.published.influence import deleted_residuals, influence_table, study_influence
from bayesmeta.published.printed import (
    published_egger,
    published_fits,
    published_forest,
    published_importance,
    published_sensitivity,
    published_terms,
    published_tree,
)
from bayesmeta.published.refits import (
    Refits,
    by_comparison,
    refit,
    risk_of_bias_table,
    with_and_without_errors,
    without_influential,
)
from bayesmeta.published.single import Single, delete_each, fit_single
from bayesmeta.published.suspects import corrected, suspects, with_sds_of_sems, without_suspects

__all__ = [
    "Refits",
    "Single",
    "by_comparison",
    "corrected",
    "delete_each",
    "deleted_residuals",
    "egger_table",
    "fail_safe_table",
    "fit_single",
    "influence_table",
    "published_egger",
    "published_fits",
    "published_forest",
    "published_importance",
    "published_sensitivity",
    "published_terms",
    "published_tree",
    "refit",
    "risk_of_bias_table",
    "study_influence",
    "suspects",
    "with_and_without_errors",
    "with_sds_of_sems",
    "with_whole_controls",
    "without_influential",
    "without_suspects",
]
