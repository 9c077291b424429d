"""Do two sides agree? Contrasts between levels of a factor of the terms (persons, animals), and statements on both."""

from bayesmeta.estimates.discrepancy.drawn import (
    densities_table,
    pairs_of,
    quadrants_table,
    sided_terms_table,
)
from bayesmeta.estimates.discrepancy.statements import check_sides, concordance_table
from bayesmeta.estimates.discrepancy.tables import discrepancies_table, sides_of

__all__ = [
    "check_sides",
    "concordance_table",
    "densities_table",
    "discrepancies_table",
    "pairs_of",
    "quadrants_table",
    "sided_terms_table",
    "sides_of",
]
