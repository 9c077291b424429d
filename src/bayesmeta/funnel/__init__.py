"""Would a field without selection give a funnel like this? Replicates with g and its standard error drawn together."""

from bayesmeta.funnel.rows import Drawn, Rows, drawn_effects, rows_of
from bayesmeta.funnel.simulation import Replicate, Replicates, replicate
from bayesmeta.funnel.statistics import CRITICAL, TITLES, WINDOW, funnel_statistics
from bayesmeta.funnel.tables import FunnelChecks, funnel_checks

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
    "funnel_checks",
    "funnel_statistics",
    "replicate",
    "rows_of",
]
