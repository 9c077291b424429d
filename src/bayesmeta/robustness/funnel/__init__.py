"""Would a field without selection give a funnel like this? Replicates with g and its standard error drawn together."""

from bayesmeta.robustness.funnel.egger import egger_table, fail_safe_table
from bayesmeta.robustness.funnel.rows import Drawn, Rows, drawn_effects, rows_of
from bayesmeta.robustness.funnel.simulation import Replicate, Replicates, replicate
from bayesmeta.robustness.funnel.statistics import CRITICAL, TITLES, WINDOW, funnel_statistics
from bayesmeta.robustness.funnel.tables import FunnelChecks, funnel_checks

__all__ = [
    "CRITICAL",
    "TITLES",
    "WINDOW",
    "Drawn",
    "FunnelChecks",
    "Replicate",
    "Replicates",
    "Rows",
    "drawn_effects",
    "egger_table",
    "fail_safe_table",
    "funnel_checks",
    "funnel_statistics",
    "replicate",
    "rows_of",
]
