"""Directions without effect sizes (impaired < none < enhanced): an ordered logit by study."""

from bayesmeta.inference.ordinal.design import build_directions
from bayesmeta.inference.ordinal.probabilities import (
    averaged_probabilities,
    direction_log_probabilities,
    study_log_likelihood,
)
from bayesmeta.inference.ordinal.sampling import build_ordered_model, sample_directions
from bayesmeta.inference.ordinal.tables import (
    aggregate_table,
    differences_table,
    directions_table,
    latent_heterogeneity_table,
    next_study_table,
    side_probabilities,
)
