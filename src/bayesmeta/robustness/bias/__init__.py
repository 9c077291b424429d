"""The cells if results were selected, or grew as studies shrink: bias models beside the unadjusted one."""

from bayesmeta.robustness.bias.refits import refit
from bayesmeta.robustness.bias.tables import (
    UNADJUSTED,
    cells_table,
    matters,
    models_table,
    parameters_table,
    sentence,
    unsettled,
    versions,
)

__all__ = [
    "UNADJUSTED",
    "cells_table",
    "matters",
    "models_table",
    "parameters_table",
    "refit",
    "sentence",
    "unsettled",
    "versions",
]
