"""Moderators that go with larger effects: forests and meta-trees propose, the model tests."""

from bayesmeta.data.moderators import choose_moderators
from bayesmeta.screening.cart import grow as grow_tree
from bayesmeta.screening.convergence import convergence as convergence_table
from bayesmeta.screening.dependence import dependence as dependence_table
from bayesmeta.screening.dependence import interactions_table, pair_dependence
from bayesmeta.screening.examination import (
    examine_folds,
    held_out_importance,
    measures_of,
    r2cv_draws,
    trainings_of,
)
from bayesmeta.screening.folds import folds_of
from bayesmeta.screening.followup import followup
from bayesmeta.screening.forest import Forest, case_weights, grow
from bayesmeta.screening.importance import importance_table, out_of_bag_importance
from bayesmeta.screening.leaves import steps_table, tree_table
from bayesmeta.screening.moderators import code_each, fill_in
from bayesmeta.screening.pruning import cross_validate as cross_validate_tree
from bayesmeta.screening.pruning import prune
from bayesmeta.screening.replicates import importance_of, run_replicates, with_intervals
from bayesmeta.screening.running import JobOptions
from bayesmeta.screening.stability import frequencies, resampled_splits
from bayesmeta.screening.targets import target_of, total_tau2
from bayesmeta.screening.tuning import Tuned, best_of, r2cv_table, tune
