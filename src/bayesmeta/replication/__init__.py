"""The analyses of the paper as it did them, and beside each one the version that respects the nesting."""

from bayesmeta.replication.printed import (
    published_egger,
    published_fits,
    published_forest,
    published_importance,
    published_sensitivity,
    published_terms,
    published_tree,
)
from bayesmeta.replication.refits import (
    Refits,
    by_comparison,
    refit,
    risk_of_bias_table,
    with_and_without_errors,
    without_influential,
)

__all__ = [
    "Refits",
    "by_comparison",
    "published_egger",
    "published_fits",
    "published_forest",
    "published_importance",
    "published_sensitivity",
    "published_terms",
    "published_tree",
    "refit",
    "risk_of_bias_table",
    "with_and_without_errors",
    "without_influential",
]
