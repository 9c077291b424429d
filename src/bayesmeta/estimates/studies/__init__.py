"""Tables of single studies: the rows of a forest, a funnel, and pictures of two arms."""

from bayesmeta.estimates.studies.cells import Cell, cells_of
from bayesmeta.estimates.studies.columns import (
    Column,
    bias_columns,
    parse_columns,
    raw_columns,
    usual_columns,
)
from bayesmeta.estimates.studies.cumulative import cumulative_table
from bayesmeta.estimates.studies.judgements import judgements_table
from bayesmeta.estimates.studies.points import labbe_table, points_of_effects, radial_table
from bayesmeta.estimates.studies.rows import heterogeneity_text, study_table
from bayesmeta.estimates.studies.weights import row_sum_weights
from bayesmeta.estimates.studies.z_values import ZValues, z_values
