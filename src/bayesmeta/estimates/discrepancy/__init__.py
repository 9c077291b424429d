"""Agreement of two sides: contrasts between levels of a factor of the terms, and joint statements.

The factor is the model's `sides`, for example the organism; its levels are the sides.
"""

from bayesmeta.estimates.discrepancy.figure_tables import (
    densities_table,
    pairs_of,
    quadrants_table,
    sided_terms_table,
)
from bayesmeta.estimates.discrepancy.statements import check_sides, concordance_table
from bayesmeta.estimates.discrepancy.tables import (
    OF_EACH_SIDE,
    UNITS,
    discrepancies_table,
    sides_of,
)
