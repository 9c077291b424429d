"""Coding of moderators and labels: from the effect table to arrays with names."""

from bayesmeta.model.design.blanks import has_unknowns
from bayesmeta.model.design.coding import cell_means, code_rows, code_terms
from bayesmeta.model.design.contrasts import named_weights, with_model
from bayesmeta.model.design.controls import control_measurements
from bayesmeta.model.design.expressions import variables_of
from bayesmeta.model.design.kinds import is_mean, is_small_study
from bayesmeta.model.design.recoding import coding_of, moderator_columns
from bayesmeta.model.design.sampling_variance import typical_variance
from bayesmeta.model.design.small_study import SMALL_STUDY_POWERS, caution, double_use
from bayesmeta.model.design.strata import of_stratum, split_strata
from bayesmeta.model.design.tables import build_design
