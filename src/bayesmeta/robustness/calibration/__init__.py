"""Simulation-based calibration: a model on data that come from its prior."""

from bayesmeta.robustness.calibration.bands import band_of_ecdf
from bayesmeta.robustness.calibration.refits import refit_sets
from bayesmeta.robustness.calibration.tables import (
    calibration_table,
    curves_table,
    joined,
    sentences,
)
