"""Averages over models, weighted by their evidence."""

from bayesmeta.robustness.averaging.evidence import (
    Evaluated,
    drawn,
    exact,
    is_exact,
    of_draws,
    why_uncertain,
)
from bayesmeta.robustness.averaging.means import EFFECT, MODERATORS, moderators_of
from bayesmeta.robustness.averaging.models import (
    BIAS,
    HETEROGENEITY,
    PARTS,
    Member,
    members_of,
    parts_of,
)
from bayesmeta.robustness.averaging.scaled import SCALES
from bayesmeta.robustness.averaging.sensitivity import savage_dickey_table, sensitivity_table
from bayesmeta.robustness.averaging.tables import (
    averaged_table,
    heterogeneity_averaged,
    inclusion_table,
    means_by_model,
    models_table,
    probabilities,
)
