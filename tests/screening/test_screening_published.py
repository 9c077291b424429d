"""The published forest of the animals."""

import numpy as np
import pandas as pd
import pytest

from bayesmeta.data import datasets
from bayesmeta.screening import forest, importance, moderators, targets, tuning
from bayesmeta.screening.folds import folds_of
from bayesmeta.screening.forest import Training, Tuning


@pytest.mark.slow
@pytest.mark.usefixtures("trace_data")
def test_the_published_forest_of_the_animals() -> None:
    """Folds by group, raw yi, coding and tuning as published: the top four, and R2_cv near .5."""
    frame = datasets.read("preclinical")
    names, _ = moderators.choose_moderators(frame)
    coded = moderators.code(moderators.fill_in(frame, names, within=""), ordered=True)
    (y,) = targets.target_of(frame, "raw").values
    weight, best = (
        forest.case_weights(frame, targets.total_tau2(frame))["random"],
        Tuning(6, 2, "random", trees=250),
    )
    training = Training(coded, y, weight, best)
    found = {}
    for clusters in ("group", "study"):
        folds = [folds_of(frame[clusters], seed=seed) for seed in (1, 2, 3)]
        found[clusters] = pd.concat([tuning.cross_validate(training, each, 1) for each in folds])
    r2 = {name: each["r2"].mean() for name, each in found.items()}
    assert 0.46 < r2["group"] < 0.54
    assert r2["study"] < r2["group"] - 0.03
    grown = forest.grow(training, np.arange(len(y)), seed=1)
    out_of_bag = importance.out_of_bag_importance(grown, training)
    top = out_of_bag.nlargest(4, "importance")["moderator"]
    assert set(top) == {"phase", "valence", "information_type", "time_since_trauma"}
