"""Effect sizes and their sampling variances, under the names of metafor's `escalc`.

    yi, vi = MEASURES["SMD"](m1i=..., sd1i=..., n1i=..., m2i=..., sd2i=..., n2i=...)

Every column is an array or a scalar; they broadcast. `MEASURES["SMD"].forms` lists the accepted
sets of columns. 1 is the group (or occasion) of interest, 2 its control: yi > 0 if the first is
larger.
"""

from bayesmeta.data.effect_sizes.conversions import (
    mean_from_five,
    mean_from_quartiles,
    mean_from_range,
    sd_from_five,
    sd_from_quartiles,
    sd_from_range,
    sd_from_sem,
)
from bayesmeta.data.effect_sizes.counts import log_odds_ratio, log_risk_ratio, risk_difference
from bayesmeta.data.effect_sizes.means import (
    correction,
    has_smd_variance,
    md,
    rom,
    size_error,
    smd,
    smd_f,
    smd_p,
    smd_t,
    smdh,
)
from bayesmeta.data.effect_sizes.measure import TWO_GROUPS, TWO_OCCASIONS, Measure, places
from bayesmeta.data.effect_sizes.pairs import smcc, smcrp, zcor
from bayesmeta.data.effect_sizes.registry import MEASURES
