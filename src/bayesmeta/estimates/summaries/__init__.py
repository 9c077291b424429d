"""What the draws say: tables, and the tables behind pictures."""

from bayesmeta.estimates.summaries.drawn import (
    density_table,
    forest_table,
    orchard_table,
    sizes_table,
    studies_table,
)
from bayesmeta.estimates.summaries.spreads import (
    BOUNDS,
    levels_of,
    mixture_quantile,
    spread_draws,
    strata_of,
    tau_draws,
)
from bayesmeta.estimates.summaries.tables import (
    heterogeneity_table,
    parameters_table,
    prediction_table,
    terms_table,
)

__all__ = [
    "BOUNDS",
    "density_table",
    "forest_table",
    "heterogeneity_table",
    "levels_of",
    "mixture_quantile",
    "orchard_table",
    "parameters_table",
    "prediction_table",
    "sizes_table",
    "spread_draws",
    "strata_of",
    "studies_table",
    "tau_draws",
    "terms_table",
]
