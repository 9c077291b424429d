"""Which moderators go with larger effects? Forests and meta-trees propose, the hierarchical model judges."""

from bayesmeta.screen.cart import Choices
from bayesmeta.screen.cart import grow as grow_tree
from bayesmeta.screen.convergence import convergence as convergence_table
from bayesmeta.screen.dependence import dependence as dependence_table
from bayesmeta.screen.dependence import interactions_table, pair_dependence
from bayesmeta.screen.folds import folds_of
from bayesmeta.screen.followup import followup
from bayesmeta.screen.forest import best_of, case_weights, grow, r2cv_folds, r2cv_table, tune
from bayesmeta.screen.importance import (
    examine_draws,
    held_out_importance,
    importance_table,
    out_of_bag_importance,
    r2cv_draws,
)
from bayesmeta.screen.leaves import steps_table, tree_table
from bayesmeta.screen.moderators import choose_moderators, code, code_each, fill_in
from bayesmeta.screen.pruning import cross_validate as cross_validate_tree
from bayesmeta.screen.pruning import prune
from bayesmeta.screen.replicates import importance_of, run_replicates, with_intervals
from bayesmeta.screen.stability import frequencies, resampled_splits
from bayesmeta.screen.targets import TITLES, target_of, total_tau2

__all__ = [
    "TITLES",
    "Choices",
    "best_of",
    "case_weights",
    "choose_moderators",
    "code",
    "code_each",
    "convergence_table",
    "cross_validate_tree",
    "dependence_table",
    "examine_draws",
    "fill_in",
    "folds_of",
    "followup",
    "frequencies",
    "grow",
    "grow_tree",
    "held_out_importance",
    "importance_of",
    "importance_table",
    "interactions_table",
    "out_of_bag_importance",
    "pair_dependence",
    "prune",
    "r2cv_draws",
    "r2cv_folds",
    "r2cv_table",
    "resampled_splits",
    "run_replicates",
    "steps_table",
    "target_of",
    "total_tau2",
    "tree_table",
    "tune",
    "with_intervals",
]
