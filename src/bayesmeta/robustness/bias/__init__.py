"""Means and contrasts under models of selection and of small-study effects."""

from bayesmeta.robustness.bias.refits import refit
from bayesmeta.robustness.bias.tables import (
    TITLES,
    UNADJUSTED,
    cells_table,
    matters,
    models_table,
    parameters_table,
    sentence,
    uninformed,
    verdict,
    versions,
)
