"""Corrections of an effect table: controls counted in full, standard errors typed as SDs."""

from bayesmeta.data.corrections.controls import split_controls, with_whole_controls
from bayesmeta.data.corrections.numbers import with_sds_of_sems
from bayesmeta.data.corrections.suspected import GRADES, corrected, suspects, without_suspects
