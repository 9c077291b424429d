"""Means and contrasts under models of selection and of small-study effects."""

from bayesmeta.robustness.bias.refits import refit
from bayesmeta.robustness.bias.tables import (
    UNADJUSTED,
    cells_table,
    double_use,
    matters,
    models_table,
    parameters_table,
    sentence,
    uninformed,
    verdict,
    versions,
)
