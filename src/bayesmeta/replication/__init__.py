"""The analyses of Sep et al. 2023 as published, and their printed results."""

from bayesmeta.replication.printed import (
    published_forest,
    published_importance,
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
