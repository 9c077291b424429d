"""The expected effect of future studies: the width of an interval and the certainty of a sign."""

from bayesmeta.planning.estimand import (
    choose_stratum,
    chosen_contrasts,
    chosen_terms,
    measured_terms,
    studies_so_far,
)
from bayesmeta.planning.expectation import Today, refit_each, today_of
from bayesmeta.planning.refits import width_and_probability
from bayesmeta.planning.simulation import simulate_studies
from bayesmeta.planning.tables import curves_table, plan_table, sentences
