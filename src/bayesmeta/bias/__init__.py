"""The cells if results were selected, or grew as studies shrink: bias models beside the unadjusted one."""

from bayesmeta.bias.refits import refit
from bayesmeta.bias.tables import (
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
