"""Summaries of the draws: result tables, and the tables behind figures."""

from bayesmeta.estimates.summaries.components import (
    has_structure,
    names_of_parameters,
    values_of,
    variances_of_terms,
)
from bayesmeta.estimates.summaries.figure_tables import (
    density_table,
    means_table,
    orchard_table,
    sizes_table,
    studies_table,
)
from bayesmeta.estimates.summaries.imputed import imputed_table
from bayesmeta.estimates.summaries.levels import (
    levels_of,
    prediction_interval,
    prediction_levels,
    predictive_sds,
    strata_of,
    tau_draws,
)
from bayesmeta.estimates.summaries.structure import tau_along_table
from bayesmeta.estimates.summaries.tables import (
    heterogeneity_table,
    parameters_table,
    prediction_table,
    terms_table,
)
