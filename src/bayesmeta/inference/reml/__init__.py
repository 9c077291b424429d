"""The same likelihood maximised instead of sampled: REML and ML, with tables of a fit.

fit = fit_reml(build_design(frame, spec), spec)
terms_table(fit), heterogeneity_table(fit), fit_table(fit), profile_intervals(fit), cr2_table(fit)
"""

from bayesmeta.inference.reml.fit import Reml, fit_reml
from bayesmeta.inference.reml.profiles import profile, profile_intervals
from bayesmeta.inference.reml.robust import FEW_DF, cr2_table
from bayesmeta.inference.reml.single_level import Single, delete_each, fit_single
from bayesmeta.inference.reml.tables import (
    containment_df,
    fit_table,
    heterogeneity_table,
    terms_table,
    weights_of,
)
