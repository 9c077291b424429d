"""The funnel of a fit against replicates without selection, drawn with their standard errors."""

from bayesmeta.robustness.funnel.data import FunnelData, funnel_data
from bayesmeta.robustness.funnel.draws import DrawnEffects, Replicate, draw_effects, replicate
from bayesmeta.robustness.funnel.egger import egger_table, fail_safe_table
from bayesmeta.robustness.funnel.statistics import TITLES, funnel_statistics
from bayesmeta.robustness.funnel.tables import FunnelChecks, funnel_checks
from bayesmeta.robustness.funnel.trim_fill import trim_fill_table
