"""Effect sizes and their sampling variances, under the names of metafor's `escalc`.

    yi, vi = MEASURES["SMD"](m1i=..., sd1i=..., n1i=..., m2i=..., sd2i=..., n2i=...)

Every column is an array or a scalar; they broadcast. `MEASURES["SMD"].forms` lists the accepted
sets of columns. 1 is the group (or occasion) of interest, 2 its control: yi > 0 if the first is
larger.
"""

from bayesmeta.data.effect_sizes.absolute import risk_with_treatment
from bayesmeta.data.effect_sizes.listing import measures_table
from bayesmeta.data.effect_sizes.means import correction, has_smd_variance, hedges, size_error, smd
from bayesmeta.data.effect_sizes.measure import TWO_GROUPS, Measure, places
from bayesmeta.data.effect_sizes.pairs import has_smcc_variance
from bayesmeta.data.effect_sizes.registry import MEASURES
from bayesmeta.data.effect_sizes.scales import AS_IT_IS, Scale
