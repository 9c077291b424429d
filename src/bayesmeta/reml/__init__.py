"""The same likelihood maximised instead of sampled: REML and ML, with the tables a frequentist report needs.

::

    fit = fit_reml(build_design(frame, spec), spec)
    terms_table(fit), heterogeneity_table(fit), fit_table(fit), profile_intervals(fit), cr2_table(fit)
"""

from bayesmeta.reml.fit import METHODS, Reml, fit_reml
from bayesmeta.reml.profiles import profile, profile_intervals
from bayesmeta.reml.robust import cr2_table
from bayesmeta.reml.tables import TESTS, check_test, containment_df, fit_table, heterogeneity_table, terms_table

__all__ = [
    "METHODS",
    "TESTS",
    "Reml",
    "check_test",
    "containment_df",
    "cr2_table",
    "fit_reml",
    "fit_table",
    "heterogeneity_table",
    "profile",
    "profile_intervals",
    "terms_table",
]
