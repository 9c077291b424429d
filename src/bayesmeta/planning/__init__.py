"""What would settle it: how narrow an interval, and how sure a sign, studies that are still to be done would leave."""

from bayesmeta.planning.expectation import Today, refit_each, today_of
from bayesmeta.planning.question import choose_stratum, chosen_contrasts, chosen_terms, measured_terms, studies_so_far
from bayesmeta.planning.refits import Start, refit, start_of, width_and_probability
from bayesmeta.planning.simulation import simulate_studies
from bayesmeta.planning.tables import curves_table, plan_table, sentences

__all__ = [
    "Start",
    "Today",
    "choose_stratum",
    "chosen_contrasts",
    "chosen_terms",
    "curves_table",
    "measured_terms",
    "plan_table",
    "refit",
    "refit_each",
    "sentences",
    "simulate_studies",
    "start_of",
    "studies_so_far",
    "today_of",
    "width_and_probability",
]
