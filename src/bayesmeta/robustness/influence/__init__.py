"""Influence of studies: how the others predict a study, and what changes without it."""

from bayesmeta.robustness.influence.changes import (
    changes_table,
    most_influential,
    sentences,
    unsettled,
)
from bayesmeta.robustness.influence.elpd import elpd_table, leave_studies_out, psis_table
from bayesmeta.robustness.influence.outlying import baujat_table
from bayesmeta.robustness.influence.single_level import (
    deleted_residuals,
    influence_table,
    study_influence,
)
from bayesmeta.robustness.influence.structures import LeftOut, leave_out
from bayesmeta.robustness.influence.subsets import gosh_table
