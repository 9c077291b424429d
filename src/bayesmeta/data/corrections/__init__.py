"""Corrections of an effect table: controls counted whole, standard errors typed as standard deviations."""

from bayesmeta.data.corrections.controls import split_controls, with_whole_controls
from bayesmeta.data.corrections.standard_errors import (
    corrected,
    suspects,
    with_sds_of_sems,
    without_suspects,
)

__all__ = [
    "corrected",
    "split_controls",
    "suspects",
    "with_sds_of_sems",
    "with_whole_controls",
    "without_suspects",
]
